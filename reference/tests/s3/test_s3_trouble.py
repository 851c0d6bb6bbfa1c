"""What clients are told when S3 fails, and that it tells nobody a secret."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions
from s3.memory_s3 import refused

from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3.trouble import trouble

if TYPE_CHECKING:
    from s3.stage import Stage

    from tus_reference.protocol import TusError

URL = "http://s3.test"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (refused("SlowDown", 503), trouble.STORAGE_BUSY),
        (refused("InternalError", 500), trouble.STORAGE_BUSY),
        (refused("InternalError", 200), trouble.STORAGE_BUSY),
        (refused("RequestTimeout", 400), trouble.STORAGE_BUSY),
        (refused("Anything", 502), trouble.STORAGE_BUSY),
        (refused("Anything", 429), trouble.STORAGE_BUSY),
        (exceptions.ReadTimeoutError(endpoint_url=URL), trouble.STORAGE_BUSY),
        (exceptions.EndpointConnectionError(endpoint_url=URL), trouble.STORAGE_BUSY),
        (exceptions.ConnectionClosedError(endpoint_url=URL), trouble.STORAGE_BUSY),
        (ConnectionResetError(), trouble.STORAGE_BUSY),
        (refused("ExpiredToken", 400), trouble.STORAGE_CREDENTIALS_EXPIRED),
        (refused("AccessDenied", 403), trouble.STORAGE_DENIED),
        (refused("InvalidAccessKeyId", 403), trouble.STORAGE_DENIED),
        (refused("SignatureDoesNotMatch", 403), trouble.STORAGE_DENIED),
        (exceptions.NoCredentialsError(), trouble.STORAGE_DENIED),
        (refused("NoSuchBucket", 404), trouble.STORAGE_BUCKET_MISSING),
        (refused("InvalidArgument", 400), trouble.STORAGE_FAILED),
    ],
)
async def test_a_failure_has_a_stable_code_and_423_while_looking_up(
    stage: Stage, failure: Exception, error: TusError, caplog: pytest.LogCaptureFixture
) -> None:
    """Usual clients start an upload over when a HEAD is not answered 2xx or 423."""
    upload_id = await stage.create()
    caplog.set_level(logging.DEBUG, "tus_reference")
    stage.watched.fail("create_multipart_upload", failure)
    with pytest.raises(Refused) as told:
        await stage.create()
    assert told.value.error == error
    stage.watched.fail("list_parts", failure)
    with pytest.raises(Refused) as looked_up:
        await stage.store.get_info(upload_id)
    assert (looked_up.value.error.status, looked_up.value.error.code) == (423, error.code)
    assert "AKIA" not in caplog.text + error.message
    assert caplog.text.count("failed: ") == 2


async def test_an_unknown_upload_is_unknown_without_the_permission_to_list(stage: Stage) -> None:
    """S3 then denies access to what does not exist."""
    stage.watched.fail("get_object", refused("AccessDenied", 403))
    with pytest.raises(Refused) as unknown:
        await stage.store.get_info("name+multi.part_9")
    assert unknown.value.error == errors.UPLOAD_NOT_FOUND


async def test_a_known_upload_is_not_unknown_because_access_is_denied(stage: Stage) -> None:
    upload_id = await stage.create()
    stage.watched.fail("get_object", refused("AccessDenied", 403))
    with pytest.raises(Refused) as denied:
        await stage.store.get_info(upload_id)
    assert (denied.value.error.status, denied.value.error.code) == (423, "ERR_STORAGE_DENIED")


async def test_a_mistake_of_ours_is_not_taken_for_one_of_the_storage(stage: Stage) -> None:
    stage.watched.fail("create_multipart_upload", TypeError("wrong"))
    with pytest.raises(TypeError, match="wrong"):
        await stage.create()


class Breaking(io.BytesIO):
    """A stream that breaks, or ends, after three bytes."""

    def __init__(self, content: bytes, failure: Exception | None) -> None:
        super().__init__(content[:3])
        self._failure = failure

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece and self._failure is not None:
            raise self._failure
        return piece


@pytest.mark.parametrize("failure", [None, exceptions.ReadTimeoutError(endpoint_url=URL)])
async def test_a_download_goes_on_over_a_broken_connection(
    stage: Stage, failure: Exception | None
) -> None:
    upload_id = await stage.create(12)
    await stage.append(upload_id, b"0123456789ab")
    await stage.content(upload_id)

    def hook(name: str, _arguments: Any, call: Any) -> Any:
        answer = call()
        if name == "get_object":
            answer["Body"] = Breaking(answer["Body"].read(), failure)
        return answer

    stage.watched.hook = hook
    got = b"".join([piece async for piece in stage.store.get_reader(upload_id, 1, 10)])
    assert got == b"123456789a"


async def test_a_download_that_never_goes_on_fails(stage: Stage) -> None:
    upload_id = await stage.create(12)
    await stage.append(upload_id, b"0123456789ab")
    await stage.content(upload_id)
    stage.watched.hook = lambda name, _arguments, call: (
        {"Body": io.BytesIO()} if name == "get_object" else call()
    )
    with pytest.raises(Refused) as failure:
        [piece async for piece in stage.store.get_reader(upload_id, 0, 12)]
    assert failure.value.error == trouble.STORAGE_BUSY
