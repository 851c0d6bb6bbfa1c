"""Kill the reference with SIGKILL at random moments of uploads to SeaweedFS.

    python -m interop.s3_crashes [ROUNDS] [--seed N] [--s3 seaweedfs|localstack]

(from the folder reference/). Half of the rounds send checksums, and rotten bytes under some of
them. Each round uploads in bodies of random size, kills the server at a random moment, starts
it anew and looks: the offset is not below what was acknowledged and not above what was sent,
and never within rotten bytes; then another kill hits the upload while it is resumed, and in
the end it is finished and compared byte for byte.
"""

from __future__ import annotations

import argparse
import http.client
import random
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from interop.crashes import CrashRound, checksum, require
from interop.s3_servers import SERVERS
from interop.server_processes import OFFSET_TYPE

if TYPE_CHECKING:
    from interop.s3_servers import S3
    from interop.server_processes import InteropServer

MIB = 1024 * 1024
LATE_WRITE_DELAY = 5.0
# Small parts and many at once, so that most moments are in the middle of several.
FLAGS = ("--s3-part-size", str(5 * MIB), "--s3-concurrent-part-uploads", "4")


def upload(
    server: InteropServer, state: CrashRound, chance: random.Random, *, with_checksum: bool
) -> None:
    """Send PATCHes until the upload is complete or the server is gone."""
    while state.acknowledged < len(state.content):
        size = chance.choice([chance.randint(1, MIB), chance.randint(MIB, 24 * MIB)])
        piece = state.content[state.acknowledged : state.acknowledged + size]
        rotten = with_checksum and chance.random() < 0.3
        headers = {"Upload-Checksum": checksum(piece)} if with_checksum else {}
        if not rotten:
            state.sent = max(state.sent, state.acknowledged + len(piece))
        status = patch(server, state, bytes(len(piece)) if rotten else piece, headers)
        if status is None:
            return
        if status == 409:
            # What the killed process had sent was stored after we looked.
            check_offset(server, state)
            continue
        require(status == (460 if rotten else 204), f"PATCH was answered {status}")
        if not rotten:
            state.acknowledged += len(piece)


def check_offset(server: InteropServer, state: CrashRound) -> None:
    """Look again where the upload is, which is not before where it was."""
    try:
        offset = server.offset(state.path)
    except (OSError, http.client.HTTPException):
        return
    require(state.acknowledged < offset <= state.sent, f"{offset} after {state.acknowledged}")
    state.acknowledged = offset


def patch(
    server: InteropServer, state: CrashRound, body: bytes, headers: dict[str, str]
) -> int | None:
    """Send a PATCH and return its status; None if the server is gone."""
    fields = {"Upload-Offset": str(state.acknowledged), "Content-Type": OFFSET_TYPE, **headers}
    try:
        return server.request("PATCH", state.path, fields, body).status
    except (OSError, http.client.HTTPException):
        return None


def upload_until_killed(
    server: InteropServer,
    state: CrashRound,
    chance: random.Random,
    *,
    with_checksum: bool,
    pause: float = 0.0,
) -> None:
    """Upload until a random moment, `pause` seconds later if the server waits that long first."""
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload, server, state, chance, with_checksum=with_checksum)
        wait([uploading], chance.uniform(0.0, 0.8) + pause)
        server.kill()
        uploading.result()


def run_round(s3: S3, chance: random.Random, *, with_checksum: bool) -> str:
    """Run one round; return how it went, raise `AssertionError` if bytes were lost."""
    content = chance.randbytes(chance.randint(1 * MIB, 48 * MIB))
    with s3.run_reference(*FLAGS) as server:
        state = CrashRound(content, server.create(len(content)))
        upload_until_killed(server, state, chance, with_checksum=with_checksum)
    cuts = []
    for last in (False, True):
        with s3.run_reference(*FLAGS) as server:
            offset = server.offset(state.path)
            cuts.append(f"{offset - state.acknowledged:+}")
            require(offset >= state.acknowledged, "an acknowledged byte was lost")
            require(offset <= state.sent, "more counts than was sent")
            state.acknowledged = offset
            if not last:
                upload_until_killed(
                    server, state, chance, with_checksum=with_checksum, pause=LATE_WRITE_DELAY - 0.5
                )
                continue
            state.sent = len(content)
            upload(server, state, chance, with_checksum=False)
            require(state.acknowledged == len(content), "the upload was not finished")
            answer = server.request("GET", state.path, {})
            require(answer.content == content, "the finished upload differs")
            require(server.request("DELETE", state.path, {}).status == 204, "DELETE failed")
    return " and ".join(cuts) + f" of {len(content)}"


def main() -> int:
    """Run the rounds and print the results; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("rounds", type=int, nargs="?", default=100)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments.add_argument("--s3", choices=SERVERS, default="seaweedfs")
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    failures = within = 0
    with SERVERS[options.s3]() as s3:
        for number in range(options.rounds):
            with_checksum = number % 2 == 1
            chance = random.Random(f"{options.seed} {number}")
            try:
                cuts = run_round(s3, chance, with_checksum=with_checksum)
                within += "+0 and +0" not in cuts
            except AssertionError as error:
                failures += 1
                cuts = f"FAILED: {error}"
            print(f"round {number}, checksums {with_checksum}: {cuts}", flush=True)
        left = s3.new_client().list_objects_v2(Bucket="tus-uploads").get("KeyCount", 0)
    print(
        f"{options.rounds} rounds of two kills, {within} with bytes beyond those acknowledged, "
        f"{failures} failed; {left} objects left"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
