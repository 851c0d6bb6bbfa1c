"""`connect`: a client of boto3, with settings found the way every AWS tool finds them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from tus_reference.model import ConfigError
from tus_reference.stores.s3.bucket import MAX_CALLS

if TYPE_CHECKING:
    from tus_reference.stores.s3.api import S3API

MAX_ATTEMPTS: Final = 6
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0


def connect(endpoint: str | None = None, *, concurrent_part_uploads: int = 10) -> S3API:
    """Return a client for AWS or for the S3 at the URL `endpoint`.

    Credentials, region and endpoint come from the environment, the AWS files or the machine's
    role. Raises `ConfigError` if there are none or they make no sense.
    """
    session = boto3.session.Session()
    custom_endpoint = endpoint or os.environ.get(
        "AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL")
    )
    settings = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        # Every thread that may call has a connection, and so has its answer being read.
        max_pool_connections=2 * (concurrent_part_uploads + MAX_CALLS),
        retries=None if "AWS_MAX_ATTEMPTS" in os.environ else {"total_max_attempts": MAX_ATTEMPTS},
        # The names of buckets are seldom names of hosts, except at AWS.
        s3={"addressing_style": "path"} if custom_endpoint else None,
    )
    settings = settings.merge(Config(retries={**(settings.retries or {}), "mode": "standard"}))
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
    return cast("S3API", client)
