"""Two real clients upload 200 files each through the unreliable proxy to the reference server.

python fault_proxy_clients.py PYTHON-WITH-TUSPY NODE_MODULES [SEED]

Every file must arrive byte for byte, though something is done to one request in five.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
FILES = 200


def main() -> int:
    """Run both clients; return 1 where a file did not arrive as it was."""
    python, modules = sys.argv[1:3]
    seed = sys.argv[3] if len(sys.argv) > 3 else "1"
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        sizes = _create_files(place / "files", int(seed))
        print(f"{FILES} files of {min(sizes)} to {max(sizes)} bytes, {sum(sizes)} in all")
        with _server(place / "uploads") as server, _proxy(server, seed, place / "log") as proxy:
            for name, words, more in (
                ("tuspy", [python, HERE / "upload_files_tuspy.py"], {}),
                ("tus-js-client", ["node", HERE / "upload_files.js"], {"NODE_PATH": modules}),
            ):
                began = time.monotonic()
                intact = _upload_and_compare(
                    [*words, proxy, place / "files"], more, server, place / "files"
                )
                wrong += FILES - intact
                seconds = time.monotonic() - began
                print(f"{name}: {intact} of {FILES} files whole, {seconds:.1f} s", flush=True)
        print((place / "log").read_text("utf-8").splitlines()[-1])
    return 1 if wrong else 0


def _create_files(folder: Path, seed: int) -> list[int]:
    folder.mkdir()
    generator = random.Random(seed)
    sizes = [0, 1, 2, 65535, 65536, 65537, 100_000, 100_001]
    sizes += [generator.randrange(1, 400_000) | 1 for _ in range(FILES - len(sizes))]
    for number, size in enumerate(sizes):
        (folder / f"{number:03}.bin").write_bytes(generator.randbytes(size))
    return sizes


def _upload_and_compare(
    words: list[object], more: dict[str, str], server: str, folder: Path
) -> int:
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **more},
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:])
    intact = 0
    for line in done.stdout.splitlines():
        name, url = line.split()
        # Read behind the proxy's back: what counts is what the server has.
        behind = server + url.rstrip("/").rpartition("/")[2]
        with urllib.request.urlopen(behind) as answer:
            intact += answer.read() == (folder / name).read_bytes()
    return intact


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "tus_reference", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [*words, "--upload-dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("Listening on ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def _proxy(server: str, seed: str, log: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "tus_conformance", "fault-proxy", "--upstream", server]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*words, "--plan", str(HERE / "plan.toml"), "--seed", seed], stdout=output
        )
        try:
            deadline = time.monotonic() + 20
            found = None
            while found is None and time.monotonic() < deadline:
                found = re.search(r"http://127\.0\.0\.1:[0-9]+/\S*", log.read_text("utf-8"))
            assert found is not None
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
