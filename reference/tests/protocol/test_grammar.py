"""`protocol`: which header values are read, and which are rejected with which status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_reference.model import Headers, Refused
from tus_reference.protocol import (
    format_metadata,
    http_date,
    is_upload_id,
    new_upload_id,
    parse_metadata,
)
from tus_reference.protocol.checksum import parse_checksum
from tus_reference.protocol.concat import UploadConcat, parse_concat
from tus_reference.protocol.fields import (
    announces_trailer,
    effective_method,
    is_offset_media_type,
)
from tus_reference.protocol.integers import (
    parse_integer,
    parse_upload_defer_length,
    parse_upload_length,
    parse_upload_offset,
)


def code_of(function: object, *arguments: object) -> str:
    """Return the code with which `function` refuses; fails if it does not."""
    assert callable(function)
    with pytest.raises(Refused) as refusal:
        function(*arguments)
    assert refusal.value.error.message
    return refusal.value.error.code


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("00", 0), ("007", 7), ("9223372036854775808", 2**63), ("9" * 64, 10**64 - 1)],
)
def test_digits_are_an_integer(text: str, value: int) -> None:
    assert parse_integer(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+0",
        "-1",
        "-0",
        " 0",
        "0 ",
        "1e3",
        "0x0",
        "1.0",
        "1_0",
        "\u0661",
        "\u00b2",
        "0,0",
        "9" * 65,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_integer(text) is None


@pytest.mark.parametrize(
    ("function", "name", "value", "code"),
    [
        (parse_upload_offset, "Upload-Offset", "abc", "ERR_INVALID_OFFSET"),
        (parse_upload_length, "Upload-Length", "-1", "ERR_INVALID_UPLOAD_LENGTH"),
        (parse_upload_length, "Upload-Length", str(2**63), "ERR_INVALID_UPLOAD_LENGTH"),
        (parse_upload_defer_length, "Upload-Defer-Length", "0", "ERR_INVALID_UPLOAD_LENGTH_DEFER"),
        (parse_upload_defer_length, "Upload-Defer-Length", "", "ERR_INVALID_UPLOAD_LENGTH_DEFER"),
    ],
)
def test_malformed_integers_are_refused(function: object, name: str, value: str, code: str) -> None:
    assert code_of(function, Headers([(name, value)])) == code


@pytest.mark.parametrize(
    "function", [parse_upload_offset, parse_upload_length, parse_upload_defer_length]
)
def test_a_repeated_integer_is_refused_even_if_the_copies_agree(function: object) -> None:
    names = ("Upload-Offset", "Upload-Length", "Upload-Defer-Length")
    headers = Headers([(name.swapcase(), "1") for name in names] + [(n, "1") for n in names])
    assert code_of(function, headers) == "ERR_INVALID_HEADER"


def test_the_largest_length_fits_63_bits() -> None:
    assert parse_upload_length(Headers([("upload-length", str(2**63 - 1))])) == 2**63 - 1


def test_a_missing_offset_is_refused_and_a_missing_length_is_none() -> None:
    assert code_of(parse_upload_offset, Headers()) == "ERR_INVALID_OFFSET"
    assert parse_upload_length(Headers()) is None
    assert parse_upload_defer_length(Headers()) is False


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a YQ==", {"a": b"a"}),
        ("flag", {"flag": b""}),
        ("flag ", {"flag": b""}),
        ("a YQ==,flag", {"a": b"a", "flag": b""}),
        ("flag ,a YQ==", {"flag": b"", "a": b"a"}),
        ("a YQ==, b Yg==", {"a": b"a", "b": b"b"}),
        ("a YQ== ,b Yg==", {"a": b"a", "b": b"b"}),
        ("a YQ==,A QQ==", {"a": b"a", "A": b"A"}),
        ("__proto__ YQ==,constructor", {"__proto__": b"a", "constructor": b""}),
        ("bin /wABgA==", {"bin": b"\xff\x00\x01\x80"}),
    ],
)
def test_metadata(text: str, pairs: dict[str, bytes]) -> None:
    assert parse_metadata(text) == pairs
    assert list(parse_metadata(text)) == list(pairs)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ",", "a YQ==,", ",a YQ==", "a YQ==,,b", "a YQ", "a YQ=", "a YQ===", "a !!!!",
        "a YQ==b", "a Y Q==", "a YQ== b", "a  YQ==", "a YQ==,a Yg==", "a\tYQ==", "a _-8=",
        "a YQ==\n", "a \u00e4\u00e4==",
    ],
)  # fmt: skip
def test_malformed_metadata_is_refused(text: str) -> None:
    assert code_of(parse_metadata, text) == "ERR_INVALID_METADATA"


@given(
    st.dictionaries(
        st.text(
            st.characters(codec="latin-1", min_codepoint=0x21, exclude_characters=",\x7f"),
            min_size=1,
        ),
        st.binary(),
        min_size=1,
    )
)
def test_metadata_survives_formatting(pairs: dict[str, bytes]) -> None:
    assert parse_metadata(format_metadata(pairs)) == pairs


@pytest.mark.parametrize(
    "key",
    ["", " ", "a b", "a,b", "a\tb", "a\r\nSet-Cookie: x", "\0", "\x7f", "\u0444\u0430\u0439\u043b"],
)
def test_keys_that_no_header_can_have_are_left_out(key: str) -> None:
    assert format_metadata({"a": b"1", key: b"2", "b": b""}) == "a MQ==,b"


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1"),
        ("crc32 DUoRhQ==", "crc32"),
        ("md5 XrY7u+Ae7tCTyyK7j1rNww==", "md5"),
        ("sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=", "sha256"),
    ],
)
def test_checksums_of_hello_world(text: str, algorithm: str) -> None:
    checksum = parse_checksum(text)
    hash_ = checksum.new_hash()
    hash_.update(b"hello ")
    hash_.update(b"world")
    assert (checksum.algorithm, hash_.digest()) == (algorithm, checksum.digest)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "ERR_INVALID_CHECKSUM"),
        ("sha1", "ERR_INVALID_CHECKSUM"),
        ("sha1 ", "ERR_INVALID_CHECKSUM"),
        ("Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "ERR_INVALID_CHECKSUM"),
        ("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", "ERR_INVALID_CHECKSUM"),
        ("sha1 Kq5sNclPz7QV2-lfQIuc6R7oRu0=", "ERR_INVALID_CHECKSUM"),
        ("sha1 YQ==", "ERR_INVALID_CHECKSUM"),
        ("sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "ERR_INVALID_CHECKSUM"),
        ("SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "ERR_UNSUPPORTED_CHECKSUM_ALGORITHM"),
        ("nosuchalg AAAA", "ERR_UNSUPPORTED_CHECKSUM_ALGORITHM"),
    ],
)
def test_malformed_checksums_are_refused(text: str, code: str) -> None:
    assert code_of(parse_checksum, text) == code


@pytest.mark.parametrize(
    ("text", "concat"),
    [
        ("partial", UploadConcat()),
        ("final;/files/a", UploadConcat(("/files/a",))),
        ("final;/files/a http://x/b", UploadConcat(("/files/a", "http://x/b"))),
        ("final; a  b ", UploadConcat(("a", "b"))),
    ],
)
def test_concat(text: str, concat: UploadConcat) -> None:
    assert parse_concat(text) == concat


@pytest.mark.parametrize(
    "text", ["", "Partial", "partial;", "final", "final;", "final;  ", "final /a", "Final;/a", "x"]
)
def test_malformed_concat_is_refused(text: str) -> None:
    assert code_of(parse_concat, text) == "ERR_INVALID_CONCAT"


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("24e533e02ec3bc40c387f1a0e460e216", True),
        ("object+multipart", True),
        ("a.b", True),
        ("x" * 240, True),
        ("x" * 241, False),
        ("", False),
        (".", False),
        ("..", False),
        (".hidden", False),
        ("a/b", False),
        ("..\\file", False),
        ("a b", False),
        ("\t", False),
        ("a\n", False),
        ("a\0", False),
        ("\u00e4", False),
    ],
)
def test_upload_ids(text: str, is_id: bool) -> None:
    assert is_upload_id(text) is is_id


def test_fresh_ids_are_16_bytes_in_hexadecimal_and_differ() -> None:
    first, second = new_upload_id(), new_upload_id()
    assert is_upload_id(first)
    assert len(bytes.fromhex(first)) == 16
    assert first != second


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("application/offset+octet-stream", True),
        ("Application/Offset+Octet-Stream; charset=utf-8", True),
        ("application/octet-stream", False),
        ("", False),
        (None, False),
    ],
)
def test_the_media_type_is_compared_by_meaning(value: str | None, right: bool) -> None:
    headers = Headers([] if value is None else [("content-type", value)])
    assert is_offset_media_type(headers) is right


def test_the_override_wins_in_any_letter_case() -> None:
    assert effective_method("GET", Headers([("x-http-method-override", "patch")])) == "PATCH"
    assert effective_method("GET", Headers()) == "GET"


def test_trailers_are_announced_by_a_list() -> None:
    headers = Headers([("Trailer", "Expires, upload-checksum")])
    assert announces_trailer(headers, "Upload-Checksum")
    assert not announces_trailer(Headers(), "Upload-Checksum")


def test_dates_are_imf_fixdates() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
