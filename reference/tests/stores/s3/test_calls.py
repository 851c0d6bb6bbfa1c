"""`stores.s3`: the table of calls in the package's docstring is true."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from s3_harness import new_s3_harness

from tus_reference.stores import s3

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conftest import ClientFactory, HandlerClient
    from s3_harness import S3Harness

CONTENT = bytes(range(48, 148))
NAMES = {
    "Abort": "abort_multipart_upload",
    "Complete": "complete_multipart_upload",
    "Create": "create_multipart_upload",
    "DeleteObject": "delete_object",
    "DeleteObjects": "delete_objects",
    "GetObject": "get_object",
    "HeadObject": "head_object",
    "ListParts": "list_parts",
    "PutObject": "put_object",
    "UploadPart": "upload_part",
    "UploadPartCopy": "upload_part_copy",
}


def read_call_table() -> dict[str, Counter[str]]:
    """Return the table of the package: operation to calls."""
    table = re.search(r"^Calls\n=====\n(.*?)\n\n[^ \n]", s3.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert table is not None
    rows: dict[str, Counter[str]] = {}
    for line in re.sub(r",\n {8,}", ", ", table[1]).splitlines():
        row = re.fullmatch(r"    (\S.*?)  +((?:\d+ x )?[A-Z]\w+(?:, (?:\d+ x )?\w+)*)", line)
        if row is None:
            continue
        calls: Counter[str] = Counter()
        for number, name in re.findall(r"(?:(\d+) x )?([A-Z]\w+)", row[2]):
            calls[NAMES[name]] += int(number or 1)
        rows[row[1]] = calls
    return rows


class CallCounter:
    """A server on the stage, and the calls that one request makes."""

    def __init__(self, s3_harness: S3Harness, client: HandlerClient) -> None:
        self.s3_harness = s3_harness
        self.client = client

    async def count(self, request: Awaitable[object]) -> Counter[str]:
        self.s3_harness.intercepted.calls.clear()
        await request
        return Counter(self.s3_harness.intercepted.calls)


async def post(counter: CallCounter) -> Counter[str]:
    return await counter.count(counter.client.create(100))


async def post_empty(counter: CallCounter) -> Counter[str]:
    return await counter.count(counter.client.create(0))


async def head_unfinished(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT[:13])
    return await counter.count(counter.client.head(path))


async def head_finished(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT)
    return await counter.count(counter.client.head(path))


async def patch(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100)
    return await counter.count(counter.client.patch(path, 0, CONTENT[:30]))


async def patch_tail_behind(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100)
    return await counter.count(counter.client.patch(path, 0, CONTENT[:33]))


async def patch_tail_before(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT[:3])
    return await counter.count(counter.client.patch(path, 3, CONTENT[3:30]))


async def patch_tail_both(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT[:3])
    return await counter.count(counter.client.patch(path, 3, CONTENT[3:4]))


async def patch_declaring(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(None)
    return await counter.count(counter.client.patch(path, 0, CONTENT[:30], Upload_Length="100"))


async def patch_completing(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT[:70])
    return await counter.count(counter.client.patch(path, 70, CONTENT[70:]))


async def get(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT)
    return await counter.count(counter.client.get(path))


async def delete(counter: CallCounter) -> Counter[str]:
    path = await counter.client.create(100, CONTENT[:70])
    return await counter.count(counter.client.request("DELETE", path))


async def join_two(counter: CallCounter) -> Counter[str]:
    parts = [await counter.client.create(50, CONTENT[:50], Upload_Concat="partial") for _ in "ab"]
    header: dict[str, str | None] = {"Upload-Concat": f"final;{' '.join(parts)}"}
    return await counter.count(counter.client.request("POST", "/files/", header))


REQUESTS: dict[str, Callable[[CallCounter], Awaitable[Counter[str]]]] = {
    "POST": post,
    "POST of no bytes": post_empty,
    "HEAD, unfinished": head_unfinished,
    "HEAD, finished": head_finished,
    "PATCH making 3 parts": patch,
    "PATCH, tail behind": patch_tail_behind,
    "PATCH, tail before": patch_tail_before,
    "PATCH, tail on both sides": patch_tail_both,
    "PATCH with the length": patch_declaring,
    "PATCH that completes": patch_completing,
    "GET": get,
    "DELETE": delete,
    "POST joining 2 uploads": join_two,
}


def test_every_row_of_the_table_is_a_request_that_is_tried() -> None:
    assert set(read_call_table()) == set(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_makes_the_calls_of_the_table(name: str, server: ClientFactory) -> None:
    s3_harness = new_s3_harness()
    found = await REQUESTS[name](CallCounter(s3_harness, server(s3_harness.store)))
    assert found == read_call_table()[name]
