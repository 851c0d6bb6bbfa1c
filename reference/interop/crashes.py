"""Kill the reference with SIGKILL at random moments: no acknowledged byte may be lost.

    python -m interop.crashes [ROUNDS] [--seed N] [--kind KIND]...     (from the folder reference/)

ROUNDS kills for each of three kinds, with the memory locker or the file locker. A round uploads a
file in PATCHes of random size, kills the server at a random moment, restarts it on the same folder
and checks: the offset is not below what was acknowledged, what is stored is what was sent, with
checksums the offset is at the end of a verified PATCH or within one whose bytes are all right, and
the upload can be finished. Or the server is killed while it joins partial uploads: the next one
completes the join without a request, and leaves no file that belongs to no upload.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interop.server_processes import OFFSET_TYPE, run_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interop.server_processes import InteropServer

LARGEST = 4 * 1024 * 1024
# A second after a crash, what it left may be removed.
SWEEP = ("--expire-after", "1")


@dataclass
class CrashRound:
    """What one round knows about its upload."""

    content: bytes
    path: str
    acknowledged: int = 0
    sent: int = 0


def checksum(piece: bytes, *, wrong: bool = False) -> str:
    """Return the value of Upload-Checksum, or one that does not match."""
    digest = bytearray(hashlib.sha1(piece, usedforsecurity=False).digest())
    if wrong:
        digest[0] ^= 1
    return f"sha1 {base64.b64encode(digest).decode()}"


def upload(
    server: InteropServer, state: CrashRound, chance: random.Random, *, with_checksum: bool
) -> None:
    """Send PATCHes until the upload is complete or the server is gone."""
    while state.acknowledged < len(state.content):
        size = chance.randint(1, LARGEST)
        piece = state.content[state.acknowledged : state.acknowledged + size]
        # Rotten bytes under a checksum of the right ones: none of them may count.
        rotten = with_checksum and chance.random() < 0.3
        state.sent = state.acknowledged + len(piece)
        headers = {"Upload-Checksum": checksum(piece)} if with_checksum else {}
        body = bytes(byte ^ 0xFF for byte in piece[:4096]) + piece[4096:] if rotten else piece
        try:
            status = _patch(server, state, body, headers)
        except (OSError, http.client.HTTPException):
            return
        require(status == (460 if rotten else 204), f"PATCH was answered {status}")
        if not rotten:
            state.acknowledged += len(piece)


def _patch(server: InteropServer, state: CrashRound, body: bytes, headers: dict[str, str]) -> int:
    fields = {"Upload-Offset": str(state.acknowledged), "Content-Type": OFFSET_TYPE, **headers}
    return server.request("PATCH", state.path, fields, body).status


def run_round(folder: Path, chance: random.Random, flags: Sequence[str], kind: str) -> str:
    """Run one round; return how it went, raise `AssertionError` if bytes were lost."""
    content = chance.randbytes(chance.randint(LARGEST, 6 * LARGEST))
    with run_reference(folder, *flags) as server, ThreadPoolExecutor(1) as pool:
        state = CrashRound(content, server.create(len(content)))
        with_checksum = kind == "checksummed"
        uploading = pool.submit(upload, server, state, chance, with_checksum=with_checksum)
        wait([uploading], chance.uniform(0.0, 0.25))
        server.kill()
        uploading.result()
    stored = (folder / state.path.rpartition("/")[2]).read_bytes()
    with run_reference(folder, *flags) as server:
        offset = server.offset(state.path)
        require(offset >= state.acknowledged, "an acknowledged byte was lost")
        require(offset <= state.sent, "more is counted than was sent")
        require(offset == len(stored), "the offset is not what is stored")
        require(stored == content[:offset], "stored bytes are not those that were verified")
        end = server.patch(state.path, offset, content[offset:])
        require(end == len(content), "the upload was not finished")
        require(download(server, state.path) == content, "the finished upload differs")
    return "between" if offset == state.acknowledged else "within"


def run_join_round(folder: Path, chance: random.Random, flags: Sequence[str], _kind: str) -> str:
    """Kill the server while it joins partial uploads; the next one completes what was begun."""
    pieces = [chance.randbytes(chance.randint(1, LARGEST)) for _ in range(4)]
    with run_reference(folder, *flags) as server, ThreadPoolExecutor(1) as pool:
        partials = [server.create(len(piece), Upload_Concat="partial") for piece in pieces]
        for path, piece in zip(partials, pieces, strict=True):
            server.patch(path, 0, piece)
        joining = pool.submit(join, server, partials)
        wait([joining], chance.uniform(0.0, 0.04))
        server.kill()
        answered = joining.result()
    with run_reference(folder, *flags, *SWEEP) as server:
        wait_until(lambda: not find_unjoined(folder), "a final upload was not joined")
        wait_until(lambda: not find_leftovers(folder), "something was left")
        for path, piece in zip(partials, pieces, strict=True):
            require(download(server, path) == piece, "a partial upload differs")
        finals = [path.stem for path in find_records(folder) if is_final(path)]
        require(not answered or bool(finals), "an acknowledged final upload was lost")
        for upload_id in finals:
            joined = download(server, server.path + upload_id)
            require(joined == b"".join(pieces), "the final upload differs")
    return "kept" if finals else "nothing"


def join(server: InteropServer, partials: Sequence[str]) -> bool:
    """Create a final upload; return whether the server answered that it exists."""
    fields = {"Upload-Concat": f"final;{' '.join(partials)}"}
    try:
        status = server.request("POST", server.path, fields).status
    except (OSError, http.client.HTTPException):
        return False
    require(status == 201, f"a final upload was refused with {status}")
    return True


def download(server: InteropServer, path: str) -> bytes:
    """Return the content of a complete upload."""
    answer = server.request("GET", path, {})
    require(answer.status == 200, f"GET was answered {answer.status}")
    return answer.content


def find_records(folder: Path) -> list[Path]:
    """Return the records of uploads, without those in the making."""
    return [path for path in folder.glob("*.info") if not path.name.startswith(".")]


def is_final(info_path: Path) -> bool:
    """Return whether a record is one of a final upload."""
    return bool(json.loads(info_path.read_bytes())["IsFinal"])


def find_unjoined(folder: Path) -> list[str]:
    """Return the final uploads without the bytes of their partial uploads."""
    return [
        path.name
        for path in find_records(folder)
        if is_final(path) and not path.with_suffix("").stat().st_size
    ]


def find_leftovers(folder: Path) -> list[str]:
    """Return the files of the folder that belong to no upload."""
    names = {path.name for path in folder.iterdir()}
    records = {path.name for path in find_records(folder)}
    uploads = {record.removesuffix(".info") for record in records}
    return sorted(names - records - uploads)


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = 30.0) -> None:
    """Wait until something holds; raise `AssertionError` if it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        require(time.monotonic() < deadline, otherwise)
        time.sleep(0.02)


def require(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raise `AssertionError` unless the condition holds."""
    if not holds:
        raise AssertionError(sentence)


def main() -> int:
    """Run the rounds and print the results; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("rounds", type=int, nargs="?", default=100)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments.add_argument("--kind", choices=KINDS, action="append", help="of rounds (all)")
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    failures = 0
    for kind in options.kind or KINDS:
        run = KINDS[kind]
        results: Counter[str] = Counter()
        for number in range(options.rounds):
            chance = random.Random(f"{options.seed} {kind} {number}")
            flags = ("--locker", chance.choice(["memory", "file"]))
            with tempfile.TemporaryDirectory(prefix="tus-crashes-") as folder:
                try:
                    result = run(Path(folder), chance, flags, kind)
                except AssertionError as error:
                    failures += 1
                    result = "FAILED"
                    print(f"  round {number}, {kind}, {flags}: {error}", flush=True)
                results[result] += 1
        print(f"{options.rounds} kills, {kind}: {dict(results)}", flush=True)
    return 1 if failures else 0


KINDS = {"plain": run_round, "checksummed": run_round, "joined": run_join_round}


if __name__ == "__main__":
    sys.exit(main())
