"""`stores.s3.storage_failures`: responses if S3 fails, and no secret in them."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions
from memory_s3 import client_error

from tus_reference.model import Refused, errors
from tus_reference.stores.s3.storage_failures import storage_errors

if TYPE_CHECKING:
    from s3_harness import S3Harness

    from tus_reference.model import TusError

URL = "http://s3.test"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (client_error("SlowDown", 503), storage_errors.STORAGE_BUSY),
        (client_error("InternalError", 500), storage_errors.STORAGE_BUSY),
        (client_error("InternalError", 200), storage_errors.STORAGE_BUSY),
        (client_error("RequestTimeout", 400), storage_errors.STORAGE_BUSY),
        (client_error("Anything", 502), storage_errors.STORAGE_BUSY),
        (client_error("Anything", 429), storage_errors.STORAGE_BUSY),
        (exceptions.ReadTimeoutError(endpoint_url=URL), storage_errors.STORAGE_BUSY),
        (exceptions.EndpointConnectionError(endpoint_url=URL), storage_errors.STORAGE_BUSY),
        (exceptions.ConnectionClosedError(endpoint_url=URL), storage_errors.STORAGE_BUSY),
        (ConnectionResetError(), storage_errors.STORAGE_BUSY),
        (client_error("ExpiredToken", 400), storage_errors.STORAGE_CREDENTIALS_EXPIRED),
        (client_error("AccessDenied", 403), storage_errors.STORAGE_DENIED),
        (client_error("InvalidAccessKeyId", 403), storage_errors.STORAGE_DENIED),
        (client_error("SignatureDoesNotMatch", 403), storage_errors.STORAGE_DENIED),
        (exceptions.NoCredentialsError(), storage_errors.STORAGE_DENIED),
        (client_error("NoSuchBucket", 404), storage_errors.STORAGE_BUCKET_MISSING),
        (client_error("InvalidArgument", 400), storage_errors.STORAGE_FAILED),
    ],
)
async def test_a_failure_has_a_stable_code_and_423_while_looking_up(
    s3_harness: S3Harness, failure: Exception, error: TusError, caplog: pytest.LogCaptureFixture
) -> None:
    """Usual clients start an upload over when a HEAD is not answered 2xx or 423."""
    upload_id = await s3_harness.create()
    caplog.set_level(logging.DEBUG, "tus_reference")
    s3_harness.intercepted.fail("create_multipart_upload", failure)
    with pytest.raises(Refused) as told:
        await s3_harness.create()
    assert told.value.error == error
    s3_harness.intercepted.fail("list_parts", failure)
    with pytest.raises(Refused) as looked_up:
        await s3_harness.store.get_info(upload_id)
    assert (looked_up.value.error.status, looked_up.value.error.code) == (423, error.code)
    assert "AKIA" not in caplog.text + error.message
    assert caplog.text.count("failed: ") == 2


async def test_an_unknown_upload_is_unknown_without_the_permission_to_list(
    s3_harness: S3Harness,
) -> None:
    """S3 then denies access to what does not exist."""
    s3_harness.intercepted.fail("get_object", client_error("AccessDenied", 403))
    with pytest.raises(Refused) as unknown:
        await s3_harness.store.get_info("name+multi.part_9")
    assert unknown.value.error == errors.UPLOAD_NOT_FOUND


async def test_a_known_upload_is_not_unknown_because_access_is_denied(
    s3_harness: S3Harness,
) -> None:
    upload_id = await s3_harness.create()
    s3_harness.intercepted.fail("get_object", client_error("AccessDenied", 403))
    with pytest.raises(Refused) as denied:
        await s3_harness.store.get_info(upload_id)
    assert (denied.value.error.status, denied.value.error.code) == (423, "ERR_STORAGE_DENIED")


async def test_a_mistake_of_ours_is_not_taken_for_one_of_the_storage(s3_harness: S3Harness) -> None:
    s3_harness.intercepted.fail("create_multipart_upload", TypeError("wrong"))
    with pytest.raises(TypeError, match="wrong"):
        await s3_harness.create()


class BreakingStream(io.BytesIO):
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
    s3_harness: S3Harness, failure: Exception | None
) -> None:
    upload_id = await s3_harness.create(12)
    await s3_harness.append(upload_id, b"0123456789ab")
    await s3_harness.finish_and_read(upload_id)

    def hook(name: str, _arguments: Any, call: Any) -> Any:
        answer = call()
        if name == "get_object":
            answer["Body"] = BreakingStream(answer["Body"].read(), failure)
        return answer

    s3_harness.intercepted.hook = hook
    got = b"".join([piece async for piece in s3_harness.store.get_reader(upload_id, 1, 10)])
    assert got == b"123456789a"


async def test_a_download_that_never_goes_on_fails(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(12)
    await s3_harness.append(upload_id, b"0123456789ab")
    await s3_harness.finish_and_read(upload_id)
    s3_harness.intercepted.hook = lambda name, _arguments, call: (
        {"Body": io.BytesIO()} if name == "get_object" else call()
    )
    with pytest.raises(Refused) as failure:
        [piece async for piece in s3_harness.store.get_reader(upload_id, 0, 12)]
    assert failure.value.error == storage_errors.STORAGE_BUSY
