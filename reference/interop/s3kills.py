"""Kill the reference with SIGKILL at random moments of uploads to SeaweedFS.

    python -m interop.s3kills [ROUNDS] [--seed N] [--s3 seaweedfs|localstack]

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

from interop.kills import Round, check, checksum
from interop.processes import OFFSET_TYPE
from interop.s3servers import SERVERS

if TYPE_CHECKING:
    from interop.processes import Server
    from interop.s3servers import S3

MIB = 1024 * 1024
SETTLING_TIME = 5.0
# Small parts and many at once, so that most moments are in the middle of several.
FLAGS = ("--s3-part-size", str(5 * MIB), "--s3-concurrent-part-uploads", "4")


def upload(server: Server, state: Round, chance: random.Random, *, checked: bool) -> None:
    """Send PATCHes until the upload is complete or the server is gone."""
    while state.acknowledged < len(state.content):
        size = chance.choice([chance.randint(1, MIB), chance.randint(MIB, 24 * MIB)])
        piece = state.content[state.acknowledged : state.acknowledged + size]
        rotten = checked and chance.random() < 0.3
        headers = {"Upload-Checksum": checksum(piece)} if checked else {}
        if not rotten:
            state.sent = max(state.sent, state.acknowledged + len(piece))
        status = patch(server, state, bytes(len(piece)) if rotten else piece, headers)
        if status is None:
            return
        if status == 409:
            # What the killed process had sent was stored after we looked.
            settle(server, state)
            continue
        check(status == (460 if rotten else 204), f"PATCH was answered {status}")
        if not rotten:
            state.acknowledged += len(piece)


def settle(server: Server, state: Round) -> None:
    """Look again where the upload is, which is not before where it was."""
    try:
        offset = server.offset(state.path)
    except (OSError, http.client.HTTPException):
        return
    check(state.acknowledged < offset <= state.sent, f"{offset} after {state.acknowledged}")
    state.acknowledged = offset


def patch(server: Server, state: Round, body: bytes, headers: dict[str, str]) -> int | None:
    """Send a PATCH and return its status; None if the server is gone."""
    fields = {"Upload-Offset": str(state.acknowledged), "Content-Type": OFFSET_TYPE, **headers}
    try:
        return server.request("PATCH", state.path, fields, body).status
    except (OSError, http.client.HTTPException):
        return None


def killed(
    server: Server, state: Round, chance: random.Random, *, checked: bool, pause: float = 0.0
) -> None:
    """Upload until a random moment, `pause` seconds later if the server waits that long first."""
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload, server, state, chance, checked=checked)
        wait([uploading], chance.uniform(0.0, 0.8) + pause)
        server.kill()
        uploading.result()


def one_round(s3: S3, chance: random.Random, *, checked: bool) -> str:
    """Run one round; return how it went, raise `AssertionError` if bytes were lost."""
    content = chance.randbytes(chance.randint(1 * MIB, 48 * MIB))
    with s3.reference(*FLAGS) as server:
        state = Round(content, server.create(len(content)))
        killed(server, state, chance, checked=checked)
    story = []
    for last in (False, True):
        with s3.reference(*FLAGS) as server:
            offset = server.offset(state.path)
            story.append(f"{offset - state.acknowledged:+}")
            check(offset >= state.acknowledged, "an acknowledged byte was lost")
            check(offset <= state.sent, "more counts than was sent")
            state.acknowledged = offset
            if not last:
                killed(server, state, chance, checked=checked, pause=SETTLING_TIME - 0.5)
                continue
            state.sent = len(content)
            upload(server, state, chance, checked=False)
            check(state.acknowledged == len(content), "the upload was not finished")
            answer = server.request("GET", state.path, {})
            check(answer.content == content, "the finished upload differs")  # type: ignore[attr-defined]
            check(server.request("DELETE", state.path, {}).status == 204, "DELETE failed")
    return " and ".join(story) + f" of {len(content)}"


def main() -> int:
    """Run the rounds and tell how they went; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("rounds", type=int, nargs="?", default=100)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments.add_argument("--s3", choices=SERVERS, default="seaweedfs")
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    failures = within = 0
    with SERVERS[options.s3]() as s3:
        for number in range(options.rounds):
            checked = number % 2 == 1
            chance = random.Random(f"{options.seed} {number}")
            try:
                story = one_round(s3, chance, checked=checked)
                within += "+0 and +0" not in story
            except AssertionError as error:
                failures += 1
                story = f"FAILED: {error}"
            print(f"round {number}, checksums {checked}: {story}", flush=True)
        left = s3.client().list_objects_v2(Bucket="tus-uploads").get("KeyCount", 0)
    print(
        f"{options.rounds} rounds of two kills, {within} with bytes beyond those acknowledged, "
        f"{failures} failed; {left} objects left"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
