"""An S3 on this machine for the reference server's S3 store: moto's, or LocalStack.

Both are started as processes of their own. A LocalStack that runs already is used instead; so
is one that is installed elsewhere, if TUS_LOCALSTACK_PYTHON names that environment's Python.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

LOCALSTACK_PORT = 4566
_KEYS = {
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
            (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", f"-p{port}"), _KEYS
        )
    environment = {
        **_KEYS,
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
        # It begins by removing the folder `localstack` in there, whoever that belongs to.
        "TMPDIR": str(folder),
        "HOME": str(folder),
    }
    python = _localstack_python() or sys.executable
    return CommandSpec((python, "-m", "localstack.runtime.main"), environment)


def find_running_localstack() -> str | None:
    """Return the URL of a LocalStack that runs already, or None."""
    host = os.environ.get("LOCALSTACK_HOST", "127.0.0.1")
    url = f"http://{host}" if ":" in host else f"http://{host}:{LOCALSTACK_PORT}"
    try:
        http_response = httpx.get(f"{url}/_localstack/health", timeout=1.0, trust_env=False)
    except httpx.HTTPError:
        return None
    return url if http_response.status_code == 200 and "s3" in http_response.text else None


async def create_bucket(url: str) -> str:
    """Create a bucket with a new name in the S3 at `url` and return it; raise `OSError`."""
    name = f"tus-{secrets.token_hex(4)}"
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        try:
            http_response = await client.put(f"{url}/{name}")
        except httpx.HTTPError as error:
            raise OSError(f"it does not respond: {type(error).__name__}") from None
    if http_response.status_code != 200:
        raise OSError(f"it responds with {http_response.status_code} to the creation of a bucket")
    return name


def s3_store_options(url: str, bucket: str) -> CommandSpec:
    """Return the flags and the environment for a reference server that keeps uploads there."""
    return CommandSpec(("--store", "s3", "--s3-endpoint", url, "--s3-bucket", bucket), _KEYS)


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
