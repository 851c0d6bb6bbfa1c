"""`connect`: a client of boto3, with settings found the way every AWS tool finds them."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from tus_reference.model import ConfigError, check_lease
from tus_reference.stores.s3.bucket import MAX_CALLS

if TYPE_CHECKING:
    from tus_reference.stores.s3.api import S3API

LOGGER: Final = logging.getLogger("tus_reference")
MAX_ATTEMPTS: Final = 6
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0


def connect(
    endpoint: str | None = None,
    *,
    concurrent_part_uploads: int = 10,
    max_attempts: int | None = None,
) -> S3API:
    """Return a client for AWS or for the S3 at the URL `endpoint`.

    Credentials, region and endpoint come from the environment, the AWS files or the machine's
    role. Raises `ConfigError` if there are none or they make no sense.
    """
    session = boto3.session.Session()
    custom_endpoint = _custom_endpoint(endpoint)
    settings = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        # Every thread that may call has a connection, and so has its answer being read.
        max_pool_connections=2 * (concurrent_part_uploads + MAX_CALLS),
        retries=_retries(max_attempts),
        # The names of buckets are seldom names of hosts, except at AWS.
        s3={"addressing_style": "path"} if custom_endpoint else None,
    )
    settings = settings.merge(Config(retries={**(settings.retries or {}), "mode": "standard"}))
    if custom_endpoint:
        settings = settings.merge(_plain_checksums())
    try:
        if session.get_credentials() is None:
            raise ConfigError(
                "There are no AWS credentials: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role."
            )
        region = session.region_name or ("us-east-1" if custom_endpoint else None)
        client = session.client("s3", endpoint_url=endpoint, region_name=region, config=settings)
    except (BotoCoreError, ValueError) as problem:
        if isinstance(problem, ConfigError):
            raise
        raise ConfigError(f"S3 cannot be used: {problem}") from None
    client.meta.events.register("before-send.s3", _check_attempt)
    return cast("S3API", client)


def _check_attempt(request: Any, **_: object) -> None:
    """Send no further attempt at a change once the lease of the upload is lost.

    The thread that calls has the context of the task that waits for it.
    """
    if request.method not in {"GET", "HEAD"}:
        check_lease()


def wants_equal_parts(endpoint: str | None) -> bool:
    """Return whether the S3 at this URL, or at that of the environment, is Cloudflare R2."""
    host = urlsplit(_custom_endpoint(endpoint) or "").hostname or ""
    return host.endswith(".r2.cloudflarestorage.com")


def _custom_endpoint(endpoint: str | None) -> str | None:
    """Return the URL of an S3 that is not AWS, if one is set."""
    return endpoint or os.environ.get("AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL"))


def _plain_checksums() -> Config:
    """Return settings without the checksums that newer SDKs add, and not every S3 understands.

    The environment can ask for them, by AWS_REQUEST_CHECKSUM_CALCULATION and its like.
    """
    names = ("request_checksum_calculation", "response_checksum_validation")
    known = [name for name in names if name in Config.OPTION_DEFAULTS]
    chosen = {name: "when_required" for name in known if f"AWS_{name.upper()}" not in os.environ}
    return Config(**chosen)


def _retries(max_attempts: int | None) -> Any:
    """Return the setting for how often a call is made; None leaves it to the environment."""
    if max_attempts is None and "AWS_MAX_ATTEMPTS" in os.environ:
        return None
    return {"total_max_attempts": max_attempts or MAX_ATTEMPTS}


def ensure_bucket(service: Any, name: str) -> None:
    """Raise `ConfigError` if a bucket does not exist.

    What else is wrong, such as an S3 that is not up yet or a policy that does not let this call
    through, is left to the requests, which may succeed.
    """
    try:
        service.head_bucket(Bucket=name)
    except ClientError as problem:
        if problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            raise ConfigError(
                f"The bucket {name!r} does not exist: create it, or correct --s3-bucket."
            ) from None
    except ParamValidationError:
        raise ConfigError(f"{name!r} is not the name of a bucket: correct --s3-bucket.") from None
    except BotoCoreError as problem:
        LOGGER.warning(
            "Cannot check the bucket %s, which may be all right later: %s", name, problem
        )
