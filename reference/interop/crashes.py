"""Kill the reference with SIGKILL at random moments: no acknowledged byte may be lost.

    python -m interop.crashes [ROUNDS] [--seed N]      (from the folder reference/)

Each round uploads a file in PATCHes of random size, kills the server at a random moment,
restarts it on the same folder and checks: the offset is not below what was acknowledged,
what is stored is what was sent, with checksums the offset is at the end of a verified
PATCH or within one whose bytes are all right, and the upload can be finished.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import random
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interop.server_processes import run_reference

if TYPE_CHECKING:
    from interop.server_processes import InteropServer

LARGEST = 4 * 1024 * 1024


@dataclass
class CrashRound:
    """What one round knows about its upload."""

    content: bytes
    path: str
    acknowledged: int = 0
    sent: int = 0
    poisoned: int | None = None


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
    try:
        while state.acknowledged < len(state.content):
            size = chance.randint(1, LARGEST)
            piece = state.content[state.acknowledged : state.acknowledged + size]
            state.sent = state.acknowledged + len(piece)
            if with_checksum and chance.random() < 0.3:
                # Rotten bytes under a checksum of the right ones: none of them may count.
                rotten = bytes(byte ^ 0xFF for byte in piece[:4096]) + piece[4096:]
                headers = {"Upload_Checksum": checksum(piece)}
                answer = _patch(server, state, rotten, headers)
                if answer != 460:
                    raise AssertionError(f"rotten bytes were answered {answer}")
                continue
            headers = {"Upload_Checksum": checksum(piece)} if with_checksum else {}
            if _patch(server, state, piece, headers) != 204:
                raise AssertionError("a good PATCH was refused")
            state.acknowledged += len(piece)
    except OSError:
        return
    except Exception as error:
        if server.process.poll() is None:
            print(f"  unexpected: {error!r}", file=sys.stderr)
            raise


def _patch(server: InteropServer, state: CrashRound, body: bytes, headers: dict[str, str]) -> int:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.request(
        "PATCH",
        state.path,
        {
            "Upload-Offset": str(state.acknowledged),
            "Content-Type": "application/offset+octet-stream",
            **fields,
        },
        body,
    ).status


def run_round(folder: Path, chance: random.Random, *, with_checksum: bool) -> str:
    """Run one round; return how it went, raise `AssertionError` if bytes were lost."""
    content = chance.randbytes(chance.randint(LARGEST, 6 * LARGEST))
    with run_reference(folder) as server:
        state = CrashRound(content, server.create(len(content)))
        worker = threading.Thread(
            target=upload, args=(server, state, chance), kwargs={"checked": with_checksum}
        )
        worker.start()
        worker.join(chance.uniform(0.0, 0.25))
        server.kill()
        worker.join()
    stored = (folder / state.path.rpartition("/")[2]).read_bytes()
    with run_reference(folder) as server:
        offset = server.offset(state.path)
        require(offset >= state.acknowledged, "an acknowledged byte was lost")
        require(offset <= state.sent, "more is counted than was sent")
        require(offset == len(stored), "the offset is not what is stored")
        require(stored == content[:offset], "stored bytes are not those that were verified")
        end = server.patch(state.path, offset, content[offset:])
        require(end == len(content), "the upload was not finished")
        answer = server.request("GET", state.path, {})
        require(answer.content == content, "the finished upload differs")  # type: ignore[attr-defined]
    kept = "between PATCHes" if offset == state.acknowledged else "within a PATCH"
    return f"acknowledged {state.acknowledged}, found {offset} ({kept}) of {len(content)}"


def require(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raise `AssertionError` unless the condition holds."""
    if not holds:
        raise AssertionError(sentence)


def main() -> int:
    """Run the rounds and print the results; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("rounds", type=int, nargs="?", default=100)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    failures = 0
    for with_checksum in (False, True):
        kinds: dict[str, int] = {}
        for number in range(options.rounds):
            chance = random.Random(f"{options.seed} {with_checksum} {number}")
            with tempfile.TemporaryDirectory() as folder:
                try:
                    story = run_round(Path(folder), chance, with_checksum=with_checksum)
                    kind = "within" if "within" in story else "between"
                except AssertionError as error:
                    failures += 1
                    kind, story = "FAILED", str(error)
                    print(f"  round {number}, checksums {with_checksum}: {story}")
                kinds[kind] = kinds.get(kind, 0) + 1
        name = "checksummed" if with_checksum else "plain"
        print(f"{options.rounds} kills during {name} PATCHes: {kinds}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
