"""Requests: heads as bytes, and every field of tus and of downloads, right, nearly right and wrong.

A head is made of a method, a target and fields, and then a few bytes of it may be changed, so that
most heads get past the parser and some break it.
"""

# Tables of many values take fewer lines as sums of lists.
# ruff: noqa: RUF005

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from fuzzing.exchange import FuzzedServer, RuleBroken, split
from tus_reference import FileInfo, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT = b"0123456789"
UPLOADS = {
    "begun": FileInfo(id="begun", size=10),
    "complete": FileInfo(id="complete", size=4),
    "deferred": FileInfo(id="deferred", size=None),
    "partial": FileInfo(id="partial", size=4, is_partial=True, concat_header="partial"),
}
STORED = {"begun": 4, "complete": 4, "deferred": 2, "partial": 4}

_INTEGERS = st.one_of(
    st.integers(-2, 12).map(str),
    st.sampled_from(
        ["", "4 ", "+4", "0x4", "4.0", "1e1", "4,4", "00004", "\xb2", "9" * 19, "9" * 20]
        + ["9" * 5000, str(2**63 - 1), str(2**63), str(2**64)]
    ),
)
_ODD_TEXT = st.text(
    st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=40
)
_DATES = st.sampled_from(
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "6 Nov 0000", "0", "-1"]
    + ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Thu, 01 Jan 1970 99:99:99 X"]
)
_HOSTS = st.sampled_from(
    ["tus.test", "tus.test:80", "[::1]", "[1::2::3]", "[", "]", ":", "a:b:c", "tus.test:99999", ""]
    + ["a" * 300, "x/../y", "user@host", "tus.test:-1", "\xe9", "%00", "[::1]:"]
)
_URLS = st.one_of(
    st.sampled_from(
        ["/files/partial", "/files/complete", "/files/begun", "http://tus.test/files/partial"]
        + ["//tus.test/files/partial", "/files/%70artial", "/files/../etc/passwd", "http://[::1"]
        + ["/files/", "partial", "http://[1::2::3]/files/partial", "/files/partial?#", "a://b"]
    ),
    _ODD_TEXT.map(lambda text: text.replace(" ", "")),
)
_RANGES = st.sampled_from(
    ["bytes=0-1", "bytes=-1", "bytes=1-", "bytes=9-", "bytes=-0", "bytes=1-0", "bytes=a-b"]
    + [f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}", "bytes=0-1,2-3", "bytes=", "x=0-1", "bytes"]
)
_TAGS = st.sampled_from(["*", '"x"', 'W/"x"', '"', "", "W/", '"a", "b"', '"\xff"'])
_METADATA = st.sampled_from(
    ["filename d29ybGQ=", "a", "a,b", "a ,b", ",", "a b c", "a =", "a d29ybGQ", "a d29ybGQ==="]
    + ["filename 4pyT", "filetype dGV4dC9odG1s", "filename Li4vLi4vZXRj", "filename AA0K"]
    + ["filetype aW1hZ2UvcG5nDQpYOiB5", "a " + "QUFB" * 2000, "\xff \xff", "a,a"]
)
_CHECKSUMS = st.sampled_from(
    ["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha1", "sha1 ", "sha1 Kq5s", " ", "md5 =", "crc32 AAAA"]
    + ["crc32 AAAAAA==", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha256 \xff", "x y z", "sha1  a"]
)

FIELDS: dict[str, st.SearchStrategy[str]] = {
    "Tus-Resumable": st.sampled_from(["1.0.0", "0.2.2", "1.0.0, 1.0.0", "", "1.0.0 "]),
    "Content-Type": st.sampled_from(
        ["application/offset+octet-stream", "APPLICATION/offset+octet-stream; a=b", "text/html", ""]
    ),
    "Upload-Offset": _INTEGERS,
    "Upload-Length": _INTEGERS,
    "Upload-Defer-Length": _INTEGERS,
    "Upload-Metadata": _METADATA,
    "Upload-Checksum": _CHECKSUMS,
    "Upload-Concat": st.one_of(
        st.sampled_from(["partial", "final;", "final", "partial;", "final; ", ";", "Partial"]),
        st.lists(_URLS, max_size=4).map(lambda urls: "final;" + " ".join(urls)),
    ),
    "X-HTTP-Method-Override": st.sampled_from(
        ["PATCH", "DELETE", "head", "OPTIONS", "", "GET", "PUT", "PATCH, PATCH", "\xff"]
    ),
    "Expect": st.sampled_from(["100-continue", "100-Continue", "", "200-ok"]),
    "Trailer": st.sampled_from(["Upload-Checksum", "", ",", "Upload-Checksum, x"]),
    "Host": _HOSTS,
    "Forwarded": st.sampled_from(
        [
            "host=a;proto=https",
            'host="[1::2::3]"',
            "host=",
            ";;;",
            'for="_x',
            "proto=\xff;host=[",
            "=",
        ]
    ),
    "X-Forwarded-Host": _HOSTS,
    "X-Forwarded-Proto": st.sampled_from(["https", "", "https, http", "javascript", "\xff", ","]),
    "X-Forwarded-Port": _INTEGERS,
    "X-Forwarded-Prefix": _URLS,
    "X-Forwarded-For": _ODD_TEXT,
    "X-Request-ID": _ODD_TEXT,
    "Origin": _ODD_TEXT,
    "Access-Control-Request-Method": _ODD_TEXT,
    "Access-Control-Request-Headers": _ODD_TEXT,
    "Range": _RANGES,
    "If-Range": st.one_of(_TAGS, _DATES),
    "If-Match": _TAGS,
    "If-None-Match": _TAGS,
    "If-Modified-Since": _DATES,
    "If-Unmodified-Since": _DATES,
    "Connection": st.sampled_from(["close", "keep-alive", "", ",", "Upgrade", "\xff"]),
    "Transfer-Encoding": st.sampled_from(["chunked", "gzip, chunked", "identity", "Chunked", ""]),
    "Content-Length": _INTEGERS,
}

_TARGETS = st.one_of(
    st.sampled_from([f"/files/{upload_id}" for upload_id in UPLOADS]),
    st.sampled_from(
        ["/files/", "/files", "*", "/", "/files/none", "/healthz", "http://tus.test/files/begun"]
        + ["/files/a://b/healthz", "/files/%62egun", "/files/begun/", "/files/.info", "//files/"]
        + ["/files/begun.info", "/files/%2e%2e%2fx", "/files/begun?x=1#y", "/files/%ff", "http://"]
        + ["http://[1::2::3]/files/", "https:///files/begun", "/files/" + "a" * 300, "files/begun"]
    ),
    _ODD_TEXT.map(lambda text: "/" + text.replace(" ", "")),
)
_METHODS = st.sampled_from(
    ["POST", "PATCH", "PATCH", "HEAD", "GET", "DELETE", "OPTIONS", "PUT", "patch", "BREW", "P@TCH"]
)


@dataclass(frozen=True)
class FuzzedRequest:
    """One request; `changes` are bytes of the head to replace, by position."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    changes: tuple[tuple[int, int], ...] = ()

    def encode(self) -> bytes:
        """Return its bytes."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        head = bytearray("\r\n".join((*lines, "", "")).encode("latin-1"))
        for position, byte in self.changes:
            head[position % len(head)] = byte
        return bytes(head) + self.body


@st.composite
def requests(draw: st.DrawFn, *, malformed: bool = False) -> FuzzedRequest:
    """Return requests with a few fuzzed fields; `malformed` ones have changed bytes, too."""
    body = CONTENT[: draw(st.integers(0, 10))]
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=5))
    fields = {
        "Host": "tus.test",
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(draw(st.integers(0, 5))),
        "Content-Length": str(len(body)),
    }
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        fields.pop(name, None)
    lines = [*fields.items()]
    for name in names:
        # A name that is given twice stays twice, now and then.
        if draw(st.booleans()):
            lines = [line for line in lines if line[0] != name]
        lines.append((name, draw(FIELDS[name])))
    changes = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4)
    return FuzzedRequest(
        draw(_METHODS),
        draw(_TARGETS),
        tuple(lines),
        body,
        tuple(draw(changes)) if malformed else (),
    )


async def new_server(*, behind_proxy: bool = False) -> FuzzedServer:
    """Return a server with one upload of each kind."""
    store = MemoryStore()
    for upload_id, info in UPLOADS.items():
        await store.new_upload(replace(info, id=upload_id))
        store._data[upload_id] += CONTENT[: STORED[upload_id]]  # noqa: SLF001
    return FuzzedServer(store, behind_proxy)


async def check_request(request: FuzzedRequest, cuts: Sequence[int], *, behind_proxy: bool) -> None:
    """Send a request in pieces; raise `RuleBroken` if a rule does not hold.

    The rules: responses are HTTP and none says that the server failed; the log reports no failure;
    the connection ends; what was stored before is still there, unless a DELETE succeeded.
    """
    server = await new_server(behind_proxy=behind_proxy)
    data = request.encode()
    statuses = await server.exchange(split(data, cuts))
    if "DELETE" in data.decode("latin-1").upper() and 204 in statuses:
        return
    store = server.store
    for upload_id, stored in STORED.items():
        kept = bytes(store._data.get(upload_id, b""))  # type: ignore[attr-defined]  # noqa: SLF001
        if not kept.startswith(CONTENT[:stored]):
            raise RuleBroken(f"upload {upload_id} has {kept!r}")
        if len(kept) > stored and not any(200 <= status < 300 for status in statuses):
            # A body that ended early is kept, and the connection may be closed without a response.
            if (request.body and any(status in {400, 413} for status in statuses)) or not statuses:
                continue
            raise RuleBroken(f"upload {upload_id} has {kept!r} after {statuses}")
