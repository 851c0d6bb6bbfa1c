"""An S3 on this machine for the reference server's S3 store: moto's, or LocalStack.

Both are started as processes of their own. A LocalStack that runs already is used instead: the one
that AWS_ENDPOINT_URL or LOCALSTACK_HOST names, or the one at LocalStack's usual port. One that is
installed elsewhere is started if TUS_LOCALSTACK_PYTHON names that environment's Python.

LocalStack is reached through the session of `localstack-client`: its endpoint and credentials.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_MOTO_KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True)
class CommandSpec:
    """How to start an S3: its command, and what to add to the environment."""

    words: Sequence[str]
    environment: Mapping[str, str]


def missing_requirement(name: str) -> str | None:
    """Return the sentence that says what to install first, or None if all is there."""
    if not _is_installed("boto3"):
        return f"--reference s3-{name} needs boto3: pip install boto3."
    if name == "moto" and not (_is_installed("moto") and _is_installed("flask")):
        return "--reference s3-moto needs moto: pip install 'moto[s3]' flask flask-cors."
    if name == "localstack" and not _is_installed("localstack_client"):
        return "--reference s3-localstack needs localstack-client: pip install localstack-client."
    if name == "localstack" and is_localstack_named():
        return (
            "--reference s3-localstack finds no LocalStack where AWS_ENDPOINT_URL or "
            "LOCALSTACK_HOST says: start it, or unset them."
        )
    if name == "localstack" and _localstack_python() is None:
        return (
            "--reference s3-localstack finds no LocalStack: start it, or "
            "pip install 'localstack-core[base-runtime]', or set TUS_LOCALSTACK_PYTHON to the "
            "Python of an environment that contains it."
        )
    return None


def s3_command(name: str, port: int, folder: Path) -> CommandSpec:
    """Return how to start the S3 `name` on a port of this machine, with its files in `folder`."""
    if name == "moto":
        return CommandSpec(
            (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", f"-p{port}"), _MOTO_KEYS
        )
    environment = {
        "SERVICES": "s3",
        "STRICT_SERVICE_LOADING": "1",
        "EAGER_SERVICE_LOADING": "1",
        # Any other server of LocalStack's listens on all addresses, whatever it is told.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        "LOCALSTACK_VOLUME_DIR": str(folder / "volume"),
        # It removes the folder `localstack` in there first, even one that belongs to others.
        "TMPDIR": str(folder),
        "HOME": str(folder),
    }
    python = _localstack_python() or sys.executable
    return CommandSpec((python, "-m", "localstack.runtime.main"), environment)


def is_localstack_named() -> bool:
    """Return whether the environment names a LocalStack; then no other one is started."""
    return bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("LOCALSTACK_HOST"))


def is_localstack_running() -> bool:
    """Return whether a LocalStack responds where the environment names it, or at its usual port."""
    if not (_is_installed("boto3") and _is_installed("localstack_client")):
        return False
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _localstack(None).new_client(connect_timeout=1, read_timeout=5).list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


@dataclass(frozen=True)
class RunningS3:
    """An S3 at `url`, and the variables that give a program its credentials and region."""

    url: str
    environment: Mapping[str, str]

    def new_client(self, **settings: Any) -> Any:
        """Return a client of boto3; `settings` are those of botocore's `Config`."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment.get("AWS_SESSION_TOKEN"),
            region_name=self.environment["AWS_DEFAULT_REGION"],
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **settings
            ),
        )


def running_s3(name: str, port: int | None) -> RunningS3:
    """Return the S3 `name` at a port of this machine; None for the LocalStack that runs already."""
    if name == "localstack":
        return _localstack(port)
    return RunningS3(f"http://127.0.0.1:{port}", _MOTO_KEYS)


def _localstack(port: int | None) -> RunningS3:
    """Return the LocalStack of a session of `localstack-client`."""
    from localstack_client.session import Session

    session = Session(localstack_host=None if port is None else f"127.0.0.1:{port}")
    keys = session.get_credentials()
    environment = {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
        "AWS_DEFAULT_REGION": session.region_name,
    }
    return RunningS3(str(session.client("s3").meta.endpoint_url), environment)


def create_bucket(s3: RunningS3) -> str:
    """Create a bucket with a new name and return it; raise `OSError`."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = f"tus-{secrets.token_hex(4)}"
    try:
        s3.new_client(connect_timeout=5, read_timeout=30).create_bucket(Bucket=name)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise OSError(f"it responds with {status} to the creation of a bucket") from None
    except BotoCoreError as error:
        raise OSError(f"it does not respond: {type(error).__name__}") from None
    return name


def s3_store_options(s3: RunningS3, bucket: str) -> CommandSpec:
    """Return the flags and the environment for a reference server that keeps uploads there."""
    words = ("--store", "s3", "--s3-endpoint", s3.url, "--s3-bucket", bucket)
    return CommandSpec(words, s3.environment)


def _is_installed(name: str) -> bool:
    return find_spec(name) is not None


def _localstack_python() -> str | None:
    """Return the Python that has LocalStack's server, which is more than `import localstack`."""
    elsewhere = os.environ.get("TUS_LOCALSTACK_PYTHON")
    if elsewhere:
        return elsewhere if Path(elsewhere).exists() else None
    try:
        return sys.executable if find_spec("localstack.runtime.main") is not None else None
    except ModuleNotFoundError:
        return None
