"""`downloads.ranges`: downloads of a part, and of what the client does not have yet."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time as now
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import HandlerClient

CONTENT = b"0123456789"
TAG, TIME = "{tag}", "{time}"
LONG_AGO, FAR_OFF = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2100 23:59:59 GMT"


@pytest.mark.parametrize(
    ("headers", "status", "content", "content_range"),
    [
        ({}, 200, CONTENT, None),
        ({"Range": "bytes=0-0"}, 206, b"0", "bytes 0-0/10"),
        ({"Range": "bytes=3-5"}, 206, b"345", "bytes 3-5/10"),
        ({"Range": "Bytes=8-"}, 206, b"89", "bytes 8-9/10"),
        ({"Range": "bytes=8-99"}, 206, b"89", "bytes 8-9/10"),
        ({"Range": "bytes=-3"}, 206, b"789", "bytes 7-9/10"),
        ({"Range": "bytes=-30"}, 206, CONTENT, "bytes 0-9/10"),
        ({"Range": "bytes=10-"}, 416, None, "bytes */10"),
        ({"Range": f"bytes={'9' * 5000}-"}, 416, None, "bytes */10"),
        ({"Range": f"bytes=3-{'9' * 5000}"}, 206, CONTENT[3:], "bytes 3-9/10"),
        ({"Range": f"bytes=-{'9' * 5000}"}, 206, CONTENT, "bytes 0-9/10"),
        ({"Range": f"bytes={'0' * 5000}3-5"}, 206, b"345", "bytes 3-5/10"),
        ({"If-Modified-Since": f"Thu, 01 Jan {'9' * 30} 00:00:00 GMT"}, 200, CONTENT, None),
        ({"If-Modified-Since": "Thu, 01 Jan 0000 00:00:00 GMT"}, 200, CONTENT, None),
        ({"If-Unmodified-Since": "Thu, 99 Jan 10000 99:00:00 GMT"}, 200, CONTENT, None),
        ({"Range": "bytes=-0"}, 416, None, "bytes */10"),
        ({"Range": "bytes=5-3"}, 200, CONTENT, None),
        ({"Range": "bytes=0-1,4-5"}, 200, CONTENT, None),
        ({"Range": "lines=0-1"}, 200, CONTENT, None),
        ({"Range": "bytes=-"}, 200, CONTENT, None),
        ({"Range": "bytes=3-5", "If-Range": TAG}, 206, b"345", "bytes 3-5/10"),
        ({"Range": "bytes=3-5", "If-Range": f"W/{TAG}"}, 200, CONTENT, None),
        ({"Range": "bytes=3-5", "If-Range": LONG_AGO}, 200, CONTENT, None),
        ({"Range": "bytes=3-5", "If-Range": FAR_OFF}, 200, CONTENT, None),
        ({"Range": "bytes=3-5", "If-Range": TIME}, 206, b"345", "bytes 3-5/10"),
        ({"If-Modified-Since": TIME}, 304, b"", None),
        ({"If-Modified-Since": FAR_OFF}, 304, b"", None),
        ({"If-Modified-Since": LONG_AGO}, 200, CONTENT, None),
        ({"If-Modified-Since": "yesterday"}, 200, CONTENT, None),
        ({"If-Modified-Since": "x GMT"}, 200, CONTENT, None),
        ({"If-Modified-Since": TIME, "If-None-Match": '"other"'}, 200, CONTENT, None),
        ({"If-Unmodified-Since": TIME}, 200, CONTENT, None),
        ({"If-Unmodified-Since": LONG_AGO}, 412, None, None),
        ({"If-Unmodified-Since": LONG_AGO, "If-Match": TAG}, 200, CONTENT, None),
        ({"If-None-Match": TAG}, 304, b"", None),
        ({"If-None-Match": f'"other", W/{TAG}'}, 304, b"", None),
        ({"If-None-Match": "*", "Range": "bytes=3-5"}, 304, b"", None),
        ({"If-None-Match": '"other"'}, 200, CONTENT, None),
        ({"If-Match": TAG}, 200, CONTENT, None),
        ({"If-Match": "*"}, 200, CONTENT, None),
        ({"If-Match": f"W/{TAG}"}, 412, None, None),
        ({"If-Match": '"other"', "If-None-Match": TAG}, 412, None, None),
    ],
)
async def test_a_download_has_what_is_asked_for(
    client: HandlerClient,
    headers: dict[str, str],
    status: int,
    content: bytes | None,
    content_range: str | None,
) -> None:
    path = await client.create(10, CONTENT)
    tag = f'"{path.removeprefix("/files/")}"'
    time = (await client.request("GET", path))["Last-Modified"] or ""
    assert abs(parsedate_to_datetime(time).timestamp() - now()) < 60
    fields: dict[str, str | None] = {
        k: v.replace(TAG, tag).replace(TIME, time) for k, v in headers.items()
    }
    answer = await client.request("GET", path, fields)
    assert (answer.status, answer["Content-Range"]) == (status, content_range)
    assert content is None or answer.body == content
    if status < 400:
        assert (answer["ETag"], answer["Accept-Ranges"]) == (tag, "bytes")
        assert answer["Last-Modified"] == time
    assert ("Content-Length" in answer.headers) == (status != 304)


async def test_an_empty_upload_has_no_ranges(client: HandlerClient) -> None:
    path = await client.create(0)
    assert (await client.request("GET", path, {"Range": "bytes=0-"})).status == 416
    assert (await client.request("GET", path)).status == 200
