"""`stores.s3`: services that differ from AWS; a client is never told more than is there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import pytest
import s3_dialects
from botocore import exceptions
from memory_s3 import client_error
from s3_harness import new_s3_harness

from tus_reference.stores.s3 import wants_equal_parts
from tus_reference.stores.s3.part_limits import PartLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import ClientFactory, HandlerClient
    from s3_harness import S3Harness

CONTENT = bytes(range(48, 148))
TIMEOUT = exceptions.ReadTimeoutError(endpoint_url="http://s3.test")


class Dialect:
    """A server on an S3, and a client that goes on after failures as the usual ones do."""

    def __init__(self, server: ClientFactory, hook: s3_dialects.Hook | None, **settings: Any):
        self.harness: S3Harness = new_s3_harness(**settings)
        self.harness.intercepted.hook = hook
        self.client: HandlerClient = server(self.harness.store)

    async def resume(self, path: str, ends: list[int]) -> int:
        """Send PATCHes up to each of these offsets; return the status of the last response."""
        status = 204
        for end in ends:
            offset = await self.client.get_offset(path)
            status = (await self.client.patch(path, offset, CONTENT[offset:end])).status
        return status


REFUSALS = [
    pytest.param(s3_dialects.refuse("complete_multipart_upload", "InvalidPart"), id="invalid-part"),
    pytest.param(s3_dialects.refuse("complete_multipart_upload", "Any", 500), id="internal-error"),
    pytest.param(s3_dialects.refuse("complete_multipart_upload", "SlowDown", 503), id="slow-down"),
    pytest.param(
        s3_dialects.refuse("complete_multipart_upload", "AccessDenied", 403), id="access-denied"
    ),
    pytest.param(
        s3_dialects.refuse("complete_multipart_upload", "NoSuchUpload", 404), id="no-such-upload"
    ),
]


@pytest.mark.parametrize("hook", REFUSALS)
async def test_no_client_is_told_complete_while_there_is_no_object(
    server: ClientFactory, hook: s3_dialects.Hook
) -> None:
    dialect = Dialect(server, hook)
    path = await dialect.client.create(100, CONTENT[:30])
    assert (await dialect.client.patch(path, 30, CONTENT[30:])).status >= 400
    for _ in range(2):
        told = await dialect.client.head(path)
        assert (told.status, told["Upload-Offset"]) == (423, None)
    got = await dialect.client.request("GET", path)
    assert (got.status, got.code) == (423, "ERR_UPLOAD_NOT_ASSEMBLED")
    assert (await dialect.client.patch(path, 100)).status >= 400
    dialect.harness.intercepted.hook = None
    assert await dialect.client.get_offset(path) == 100
    assert await dialect.client.get(path) == CONTENT


async def test_a_creation_whose_object_cannot_be_made_leaves_no_upload(
    server: ClientFactory,
) -> None:
    dialect = Dialect(server, s3_dialects.refuse("complete_multipart_upload", "InvalidPart"))
    empty = await dialect.client.request("POST", "/files/", {"Upload-Length": "0"})
    body = {"Upload-Length": "30", "Content-Type": "application/offset+octet-stream"}
    whole = await dialect.client.request("POST", "/files/", {**body}, CONTENT[:30])
    assert (empty.status, whole.status) == (500, 500)
    assert (dialect.harness.s3.objects, dialect.harness.s3.multiparts) == ({}, {})


@pytest.mark.parametrize("code", ["InvalidPart", "InternalError", "NoSuchUpload"])
async def test_a_completion_that_worked_is_one_whatever_was_answered(
    server: ClientFactory, code: str
) -> None:
    dialect = Dialect(server, s3_dialects.complete_and_report(code))
    path = await dialect.client.create(100)
    assert await dialect.resume(path, [30, 100]) == 204
    assert await dialect.client.get_offset(path) == 100
    assert await dialect.client.get(path) == CONTENT


@pytest.mark.parametrize("ends", [[100], [7, 100], [3, 12, 31, 44, 100], [*range(1, 101)]])
@pytest.mark.parametrize("deferred", [False, True])
async def test_all_parts_but_the_last_are_equal_however_bodies_are_cut(
    server: ClientFactory, ends: list[int], deferred: bool
) -> None:
    dialect = Dialect(server, None, equal_parts=True)
    dialect.harness.intercepted.hook = s3_dialects.want_equal_parts(dialect.harness.s3)
    path = await dialect.client.create(None if deferred else 100)
    assert await dialect.resume(path, ends) == 204
    if deferred:
        assert (await dialect.client.patch(path, 100, Upload_Length="100")).status == 204
    assert await dialect.client.get(path) == CONTENT


async def test_unequal_parts_that_the_service_refuses_are_not_called_complete(
    server: ClientFactory,
) -> None:
    dialect = Dialect(server, None)
    dialect.harness.intercepted.hook = s3_dialects.want_equal_parts(dialect.harness.s3)
    path = await dialect.client.create(100)
    assert await dialect.resume(path, [6, 13, 31, 100]) == 500
    assert (await dialect.client.head(path)).status == 423


@pytest.mark.parametrize("sizes", [(10, 10, 3), (3, 4, 20, 1), (25, 25, 25), (1, 2, 3)])
@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("copies", ["yes", "refused", "empty"])
async def test_partial_uploads_are_joined_with_and_without_copies(
    server: ClientFactory, sizes: tuple[int, ...], equal: bool, copies: str
) -> None:
    dialect = Dialect(server, None, equal_parts=equal)
    s3 = dialect.harness.s3
    hooks: dict[str, s3_dialects.Hook | None] = {
        "yes": s3_dialects.want_equal_parts(s3) if equal else None,
        "refused": s3_dialects.refuse("upload_part_copy", "NotImplemented", 501),
        "empty": s3_dialects.copy_as_empty_upload,
    }
    dialect.harness.intercepted.hook = hooks[copies]
    parts, start = [], 0
    for size in sizes:
        piece = CONTENT[start : start + size]
        parts.append(await dialect.client.create(size, piece, Upload_Concat="partial"))
        start += size
    header: dict[str, str | None] = {"Upload-Concat": f"final;{' '.join(parts)}"}
    answer = await dialect.client.request("POST", "/files/", header)
    assert answer.status == 201
    final = (answer["Location"] or "").removeprefix("http://tus.test")
    assert await dialect.client.get(final) == CONTENT[:start]


@pytest.mark.parametrize("hook", REFUSALS)
async def test_a_final_upload_that_cannot_be_made_is_refused_and_tried_again(
    server: ClientFactory, hook: s3_dialects.Hook
) -> None:
    dialect = Dialect(server, None)
    part = await dialect.client.create(30, CONTENT[:30], Upload_Concat="partial")
    dialect.harness.intercepted.hook = hook
    header: dict[str, str | None] = {"Upload-Concat": f"final;{part}"}
    assert (await dialect.client.request("POST", "/files/", header)).status >= 400
    (name,) = {m.key for m in dialect.harness.s3.multiparts.values()}
    (multipart_id,) = dialect.harness.s3.multiparts
    final = f"{name}+{multipart_id}"
    told = await dialect.client.head(f"/files/{final}")
    assert (told.status, told["Upload-Offset"]) == (200, None)
    dialect.harness.intercepted.hook = None
    await dialect.client.handler.maintenance.retry_completion(final)
    assert await dialect.client.get(f"/files/{final}") == CONTENT[:30]


@pytest.mark.parametrize("length", [100, None], ids=["sized", "chunked"])
@pytest.mark.parametrize("sent", [1, 7, 13, 57])
async def test_what_came_before_a_client_was_cut_off_is_stored(
    server: ClientFactory, caplog: pytest.LogCaptureFixture, length: int | None, sent: int
) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100)
    body = CONTENT[:sent]
    framing = f"Content-Length: {length}"
    if length is None:
        framing, body = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (sent, body)
    async with dialect.client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
            f"Content-Type: application/offset+octet-stream\n{framing}\n\n"
        )
        await wire.send(body)
    assert await dialect.client.get_offset(path) == sent
    assert await dialect.resume(path, [100]) == 204
    assert await dialect.client.get(path) == CONTENT
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("number", range(12))
async def test_a_partial_that_is_deleted_during_the_join_fails_no_request_and_leaves_nothing(
    server: ClientFactory, caplog: pytest.LogCaptureFixture, number: int, copies: bool
) -> None:
    dialect = Dialect(server, None)
    pieces = [CONTENT[:30], CONTENT[30:60], CONTENT[60:]]
    parts = [
        await dialect.client.create(len(piece), piece, Upload_Concat="partial") for piece in pieces
    ]
    calls: list[str] = []

    def delete_meanwhile(name: str, _: Mapping[str, Any], call: s3_dialects.Call) -> Any:
        calls.append(name)
        if len(calls) == number + 1:
            answer = anyio.from_thread.run(dialect.client.request, "DELETE", parts[1])
            assert answer.status == 204
        if name == "upload_part_copy" and not copies:
            raise client_error("NotImplemented", 501)
        return call()

    dialect.harness.intercepted.hook = delete_meanwhile
    header: dict[str, str | None] = {"Upload-Concat": f"final;{' '.join(parts)}"}
    answer = await dialect.client.request("POST", "/files/", header)
    dialect.harness.intercepted.hook = None
    kept = [parts[0], parts[2]]
    if answer.status == 201:
        kept.append((answer["Location"] or "").removeprefix("http://tus.test"))
        assert await dialect.client.get(kept[-1]) == CONTENT
    else:
        assert (answer.status, answer.code) == (400, "ERR_INVALID_CONCAT")
    s3 = dialect.harness.s3
    names = {path.removeprefix("/files/").partition("+")[0] for path in kept}
    assert {key.partition(".")[0] for key in s3.objects} - names == set()
    assert not s3.multiparts
    assert "Traceback" not in caplog.text
    assert await dialect.client.handler.check_health() == ""


async def test_a_tail_becomes_the_last_part_where_nothing_is_copied(server: ClientFactory) -> None:
    dialect = Dialect(server, s3_dialects.refuse("upload_part_copy", "NotImplemented", 501))
    path = await dialect.client.create(None, CONTENT[:33])
    assert (await dialect.client.patch(path, 33, Upload_Length="33")).status == 204
    assert await dialect.client.get(path) == CONTENT[:33]


@pytest.mark.parametrize("code", ["NotFound", "404", "NoSuchKey"])
async def test_a_general_404_for_a_list_does_not_let_clients_start_over(
    server: ClientFactory, code: str
) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100, CONTENT[:30])
    dialect.harness.intercepted.hook = s3_dialects.refuse("list_parts", code, 404)
    assert (await dialect.client.head(path)).status == 423
    assert (await dialect.client.patch(path, 30, CONTENT[30:])).status == 423
    dialect.harness.intercepted.hook = None
    assert await dialect.resume(path, [100]) == 204
    # Such a service may say the same of a multipart upload that was completed.
    dialect.harness.intercepted.hook = s3_dialects.refuse("list_parts", code, 404)
    assert await dialect.client.get_offset(path) == 100


async def test_an_offset_never_goes_back_where_lists_are_stale(server: ClientFactory) -> None:
    lists = s3_dialects.StaleLists()
    dialect = Dialect(server, lists)
    path = await dialect.client.create(100)
    assert await dialect.client.get_offset(path) == 0
    offsets = [0]
    for end in (12, 30, 31, 64, 100):
        assert (await dialect.client.patch(path, offsets[-1], CONTENT[offsets[-1] : end])).status
        offsets.append(await dialect.client.get_offset(path))
    assert offsets == [0, 12, 30, 31, 64, 100]
    assert await dialect.client.get(path) == CONTENT


async def test_after_a_failure_a_stale_list_is_not_believed(server: ClientFactory) -> None:
    lists = s3_dialects.StaleLists()
    dialect = Dialect(server, lists)
    path = await dialect.client.create(100, CONTENT[:20])

    def fail_part(name: str, arguments: Any, call: s3_dialects.Call) -> Any:
        if name == "upload_part":
            raise TIMEOUT
        return lists(name, arguments, call)

    dialect.harness.intercepted.hook = fail_part
    assert (await dialect.client.patch(path, 20, CONTENT[20:60])).status == 503
    assert (await dialect.client.head(path)).status == 423
    lists.fresh = True
    assert await dialect.client.get_offset(path) == 20


async def test_a_new_upload_is_known_before_its_record_is_visible(server: ClientFactory) -> None:
    late = s3_dialects.LateObjects()
    dialect = Dialect(server, late)
    path = await dialect.client.create(100)
    assert await dialect.client.get_offset(path) == 0
    assert (await dialect.client.patch(path, 0, CONTENT[:13])).status == 204
    assert await dialect.client.get_offset(path) == 13
    late.visible = True
    assert await dialect.resume(path, [100]) == 204
    assert await dialect.client.get(path) == CONTENT


async def test_an_object_that_is_not_visible_yet_is_not_gone(server: ClientFactory) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100, CONTENT)
    dialect.harness.intercepted.hook = s3_dialects.refuse("head_object", "404", 404)
    for method in ("HEAD", "GET"):
        assert (await dialect.client.request(method, path)).status == 423


@pytest.mark.parametrize(
    "failure",
    [
        client_error("InvalidAccessKeyId", 403),
        client_error("SignatureDoesNotMatch", 403),
        client_error("ExpiredToken", 400),
        TIMEOUT,
        exceptions.EndpointConnectionError(endpoint_url="http://s3.test"),
    ],
)
async def test_credentials_and_connections_that_fail_lose_nothing(
    server: ClientFactory, failure: Exception
) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100, CONTENT[:30])

    def fail(_name: str, _arguments: Any, _call: s3_dialects.Call) -> Any:
        raise failure

    dialect.harness.intercepted.hook = fail
    for method in ("HEAD", "GET"):
        assert (await dialect.client.request(method, path)).status == 423
    assert (await dialect.client.patch(path, 30, CONTENT[30:])).status == 423
    dialect.harness.intercepted.hook = None
    assert await dialect.resume(path, [100]) == 204
    assert await dialect.client.get(path) == CONTENT


async def test_a_look_up_that_is_not_answered_is_given_up(server: ClientFactory) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100, CONTENT[:30])
    dialect.harness.store._lookup_timeout = 0.05
    released = threading.Event()

    def hang(name: str, _arguments: Any, call: s3_dialects.Call) -> Any:
        if name == "list_parts":
            assert released.wait(30)
        return call()

    dialect.harness.intercepted.hook = hang
    try:
        assert (await dialect.client.head(path)).status == 423
    finally:
        released.set()


async def test_a_download_of_what_vanishes_is_an_error_and_no_broken_response(
    server: ClientFactory,
) -> None:
    dialect = Dialect(server, None)
    path = await dialect.client.create(100, CONTENT)
    dialect.harness.intercepted.hook = s3_dialects.refuse("get_object", "NoSuchKey", 404)
    info = dialect.harness.s3.objects[path.removeprefix("/files/").partition("+")[0] + ".info"]

    def vanish(name: str, arguments: Any, call: s3_dialects.Call) -> Any:
        if name == "get_object" and not arguments["Key"].endswith(".info"):
            raise client_error("NoSuchKey", 404)
        return call()

    assert info.content
    dialect.harness.intercepted.hook = vanish
    answer = await dialect.client.request("GET", path)
    assert (answer.status, answer.code) == (503, "ERR_STORAGE_NOT_FOUND")


async def test_a_download_while_another_request_completes_is_not_empty(
    server: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after a restart, that was 200 with the length, and none of the bytes."""
    monkeypatch.setattr("tus_reference.handler.uploads.COMPLETION_WAIT", 0.05)
    dialect = Dialect(server, None)
    upload_id = await dialect.harness.create(100)
    await dialect.harness.append(upload_id, CONTENT)
    path = f"/files/{upload_id}"
    locker = dialect.client.handler.config.composer.locker
    assert locker is not None
    lock = locker.new_lock(upload_id)
    assert await lock.try_lock()
    answer = await dialect.client.request("GET", path)
    assert (answer.status, answer.code) == (423, "ERR_UPLOAD_NOT_ASSEMBLED")
    await lock.unlock()
    assert await dialect.client.get(path) == CONTENT


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"ID": 1}'])
async def test_a_record_that_cannot_be_decoded_is_damage_and_can_be_removed(
    server: ClientFactory, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    dialect = Dialect(server, None, stale_time=0.0)
    path = await dialect.client.create(100, CONTENT[:30])
    name = path.removeprefix("/files/").partition("+")[0]
    s3 = dialect.harness.s3
    s3.put_object(Bucket="bucket", Key=f"{name}.info", Body=content, Metadata={})
    for method in ("HEAD", "GET"):
        answer = await dialect.client.request(method, path)
        assert answer.status == 404
    assert (await dialect.client.patch(path, 30, b"x")).code == "ERR_UPLOAD_DAMAGED"
    assert f"the record {name}.info is damaged" in caplog.text
    assert "Traceback" not in caplog.text
    assert [info async for info in dialect.harness.store.list_uploads()] == []
    assert (await dialect.client.request("DELETE", path)).status == 204
    assert (s3.objects, s3.multiparts) == ({}, {})


@pytest.mark.parametrize("void", ["1", "a-b", "1-999999999", "-", "3-4,", "1-2-3"])
async def test_void_parts_that_are_no_ranges_are_damage(server: ClientFactory, void: str) -> None:
    dialect = Dialect(server, None, stale_time=0.0)
    path = await dialect.client.create(100, CONTENT[:30])
    key = path.removeprefix("/files/").partition("+")[0] + ".info"
    content = dialect.harness.s3.objects[key].content
    changed = content.replace(b'"Type":', b'"VoidParts":"%s","Type":' % void.encode())
    dialect.harness.s3.put_object(Bucket="bucket", Key=key, Body=changed, Metadata={})
    assert (await dialect.client.head(path)).status == 404


@pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [
        ("https://0123abc.r2.cloudflarestorage.com", True),
        ("https://0123abc.eu.r2.cloudflarestorage.com/", True),
        ("https://s3.example.org", False),
        (None, False),
    ],
)
def test_the_endpoint_tells_who_wants_equal_parts(
    endpoint: str | None, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert wants_equal_parts(endpoint) is wanted


@pytest.mark.parametrize("size", [None, 0, 1, 50 * 2**20 * 10_000, 600 * 2**30, 5 * 2**40])
def test_equal_parts_stay_within_the_limits_of_s3(size: int | None) -> None:
    limits = PartLimits(equal_parts=True)
    length = limits.equal_length(size)
    assert 5 * 2**20 <= length <= limits.max_part_size
    assert length * limits.max_multipart_parts >= (size or 0)
