"""`server.request_head`: what is read without h11, h11 reads alike; all else is left to it."""

from __future__ import annotations

import h11
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tus_reference.server.request_head import RequestHead, convert_event, read_common_head

COMMON = (
    b"PATCH /files/a?b=c HTTP/1.1\r\nHost: tus.test:80\r\nTus-Resumable: 1.0.0\r\n"
    b"Content-Length: 5\r\nX-Words: one two: three\r\nx-words: four\r\n\r\n"
)

FIELD_NAMES = [
    b"Host", b"host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"Expect",
    b"Upgrade", b"Connection", b"Upload-Metadata", b"X", b"", b"X y", b"\xc3",
]  # fmt: skip
FIELD_VALUES = [
    b"a", b"", b"5", b"005", b"+5", b"5,5", b"9" * 19, b"9" * 20, b"9" * 21, b"chunked", b"close",
    b"100-continue", b"a  b", b"a b", b" a", b"a ", b"a\tb", b"\xc3\xa9", b"\x01", b"a\x00b", b":",
    b"a: b", b"a,b",
]  # fmt: skip
METHODS = [b"GET", b"PATCH", b"CONNECT", b"get", b"G(T", b"", b"M-SEARCH"]
TARGETS = [b"/", b"*", b"/a%20b", b"http://x/", b"/\xc3", b"a b", b""]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b""]
ENDS = [b"\r\n", b"\n", b"\r", b"\r\n "]


def read_with_h11(data: bytes) -> RequestHead | None:
    """Return what h11 makes of a whole head; None if it refuses it."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError:
        return None
    return convert_event(event, parser) if isinstance(event, h11.Request) else None


def describe(head: RequestHead | None) -> tuple[object, ...] | None:
    """Return all that a head says."""
    if head is None:
        return None
    headers = head.headers.items()
    rest = head.leftover, head.version, head.waits_for_continue
    return (head.method, head.target, headers, *rest)


def test_a_common_head_is_read_with_what_follows_it() -> None:
    head = read_common_head(COMMON + b"hello", 5)
    assert head is not None
    assert (head.method, head.target, head.leftover) == ("PATCH", "/files/a?b=c", b"hello")
    assert head.headers.joined("X-Words") == "one two: three,four"
    assert describe(head) == describe(read_with_h11(COMMON + b"hello"))


@pytest.mark.parametrize(
    "data",
    [
        COMMON[:-2],
        COMMON.replace(b"HTTP/1.1", b"HTTP/1.0"),
        COMMON.replace(b"PATCH", b"CONNECT"),
        COMMON.replace(b"Host:", b"Most:"),
        COMMON.replace(b"X-Words:", b"Host:"),
        COMMON.replace(b"X-Words:", b"Content-Length:"),
        COMMON.replace(b"x-words: four", b"Content-Length: 5"),
        COMMON.replace(b"x-words: four", b"Transfer-Encoding: chunked"),
        COMMON.replace(b"x-words: four", b"Expect: 100-continue"),
        COMMON.replace(b"x-words: four", b"Upgrade: h2c"),
        COMMON.replace(b"four", b"f\x00ur"),
        COMMON.replace(b"four", b""),
        COMMON.replace(b"\r\n", b"\n"),
        COMMON.replace(b"\r\nX", b"\r\n X"),
        b"\r\n" + COMMON,
    ],
)
def test_what_needs_a_decision_is_left_to_h11(data: bytes) -> None:
    assert read_common_head(data, 5) is None


def test_too_many_fields_are_left_to_h11() -> None:
    assert read_common_head(COMMON, 4) is None


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Return bytes that are a head, or nearly."""
    line = b" ".join(draw(st.sampled_from(each)) for each in (METHODS, TARGETS, VERSIONS))
    ends = st.sampled_from([*ENDS[:1] * 12, *ENDS])
    field = st.tuples(
        st.sampled_from(FIELD_NAMES),
        st.sampled_from([b": ", b":", b" : ", b":\t", b""]),
        st.sampled_from(FIELD_VALUES),
        ends,
    )
    fields = draw(st.lists(field, max_size=4))
    return b"".join([line, draw(ends), *(b"".join(each) for each in fields), draw(ends), b"rest"])


COMMON_HEADS = st.builds(
    lambda names, values, method: b"".join(
        [
            method,
            b" /files/ HTTP/1.1\r\nHost: x\r\n",
            *(b"%b: %b\r\n" % pair for pair in zip(names, values, strict=False)),
            b"\r\n",
        ]
    ),
    st.lists(st.sampled_from(FIELD_NAMES), max_size=4),
    st.lists(st.sampled_from(FIELD_VALUES), max_size=4),
    st.sampled_from(METHODS),
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(heads(), COMMON_HEADS, st.binary(max_size=60)))
def test_h11_reads_alike_whatever_is_read_here(data: bytes) -> None:
    head = read_common_head(data, 100)
    event(f"read here: {head is not None}")
    if head is not None:
        assert describe(head) == describe(read_with_h11(data))
