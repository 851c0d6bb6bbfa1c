"""`transport.header_values`: the grammar of each header."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_conformance.transport import header_values

REQUEST = "http://tus.test:1080/files/"

ORIGINS: list[tuple[str, tuple[str, str, int | None], str]] = [
    ("http://tus.test/1", ("http", "tus.test", 80), "the usual port of HTTP"),
    ("https://tus.test/1", ("https", "tus.test", 443), "the usual port of HTTPS"),
    ("http://tus.test:443/1", ("http", "tus.test", 443), "a port of its own"),
    ("HTTPS://TUS.test:8443", ("https", "tus.test", 8443), "letters without their case"),
    ("ws://tus.test/", ("ws", "tus.test", None), "a scheme whose usual port is not known"),
    ("http:/files/", ("http", "", 80), "a URL without a host"),
]


@pytest.mark.parametrize(
    ("url", "origin"), [pytest.param(*case[:2], id=case[2]) for case in ORIGINS]
)
def test_an_origin_is_whole(url: str, origin: tuple[str, str, int | None]) -> None:
    assert header_values.origin_of(url) == origin


def test_a_concatenation_is_its_form_and_its_parts() -> None:
    assert header_values.parse_concat("partial", REQUEST) == ("partial",)
    assert header_values.parse_concat("final;1 /2", REQUEST) == (
        *("final", "http://tus.test:1080/files/1"),
        "http://tus.test:1080/2",
    )


LINES: list[tuple[list[tuple[str, str]], str | None, str]] = [
    ([], None, "no line is no value"),
    ([("upload-offset", "5")], "5", "names know no letter case"),
    ([("UPLOAD-OFFSET", " \t5 ")], "5", "space around a value is not part of it"),
    ([("Upload-Offset", "\x0b5\xa0")], "\x0b5\xa0", "but what only looks like space is"),
    ([("Upload-Offset", "X5X")], "X5X", "and letters are"),
    ([("Upload-Offset", "")], "", "an empty value is a value"),
    ([("Upload-Offset", "5"), ("X", "y"), ("upload-offset", "6")], "5, 6", "lines are joined"),
    ([("Upload-Offsets", "5")], None, "another name is another header"),
]


@pytest.mark.parametrize(
    ("lines", "value"), [pytest.param(*case[:2], id=case[2]) for case in LINES]
)
def test_a_header_has_one_value_whatever_its_lines(
    lines: list[tuple[str, str]], value: str | None
) -> None:
    assert header_values.header_value(lines, "Upload-Offset") == value


@given(st.text())
def test_only_ascii_digits_are_an_integer(text: str) -> None:
    expected = bool(text) and all(character in "0123456789" for character in text)
    assert header_values.is_integer(text) is expected


KEY_CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",")
KEYS = st.text(KEY_CHARACTERS, min_size=1)


@given(st.dictionaries(KEYS, st.binary(), min_size=1))
def test_metadata_is_parsed_into_what_was_encoded(pairs: dict[str, bytes]) -> None:
    written = [f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items()]
    assert header_values.parse_metadata(",".join(written)) == pairs


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))
def test_every_fixdate_names_its_moment(moment: datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    assert header_values.parse_http_date(format_datetime(whole, usegmt=True)) == whole
