"""A server on an S3 of its own: `python -m peers.with_s3 COMMAND...`.

Starts moto's S3 and makes a bucket, and then becomes the command, with `{s3}` and `{bucket}` filled
in and credentials in its environment. Both are in one process group, and stopped with it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from peers.recipe import fill_in
from tus_conformance.targets import simulated_s3

_START_TIMEOUT = 25.0
"""How long the S3 may take to start, in seconds; the suite waits for 30."""


def main(words: Sequence[str]) -> None:
    """Start the S3 and become the command; raise `SystemExit` where the S3 does not start."""
    if sentence := simulated_s3.missing_requirement("moto"):
        raise SystemExit(sentence)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = simulated_s3.s3_command("moto", port, Path.cwd())
    process = subprocess.Popen(command.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    s3 = simulated_s3.running_s3("moto", port)
    bucket = _create_bucket(s3, process)
    environment = {
        **os.environ,
        **s3.environment,
        "AWS_REGION": s3.environment["AWS_DEFAULT_REGION"],
    }
    filled = [fill_in(word, {"s3": s3.url, "bucket": bucket}) for word in words]
    os.execvpe(filled[0], filled, environment)


def _create_bucket(s3: simulated_s3.RunningS3, process: subprocess.Popen[bytes]) -> str:
    """Create a bucket as soon as the S3 responds."""
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            return simulated_s3.create_bucket(s3)
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise SystemExit(f"The S3 did not start: {error}.") from None
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1:])
