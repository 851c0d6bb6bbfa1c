"""Hand uploads over between tusd and the reference, on one folder, killing each with SIGKILL.

    python -m interop.tusd_handover PATH-OF-TUSD [ROUNDS]     (from the folder reference/)

Each round one of them is killed in the middle of a PATCH and the other finishes the upload;
the result is compared byte for byte. What tusd keeps about an upload has to arrive as well.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interop.server_processes import run_reference, run_tusd

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from interop.server_processes import InteropServer

    Start = Callable[[Path], AbstractContextManager[InteropServer]]

SIZE = 24 * 1024 * 1024
METADATA = "filename d8O8cnN0LnR4dA==,filetype dGV4dC9wbGFpbg=="


def hand_over(first: Start, second: Start, folder: Path, chance: random.Random) -> tuple[int, int]:
    """Kill `first` in the middle of an upload and let `second` finish it."""
    content = chance.randbytes(SIZE)
    acknowledged = chance.randrange(SIZE // 4)
    with first(folder) as server:
        path = server.create(SIZE, Upload_Metadata=METADATA)
        server.patch(path, 0, content[:acknowledged])
        connection = server.begin_patch(path, acknowledged, SIZE - acknowledged)
        with connection:
            connection.sendall(content[acknowledged : acknowledged + SIZE // 2])
            time.sleep(chance.uniform(0.0, 0.05))
            server.kill()
    with second(folder) as server:
        answer = server.request("HEAD", path, {})
        offset = int(answer.headers["Upload-Offset"])
        require(acknowledged <= offset <= acknowledged + SIZE // 2, f"the offset is {offset}")
        require(answer.headers["Upload-Length"] == str(SIZE), "the length is lost")
        told = set((answer.headers["Upload-Metadata"] or "").split(","))
        require(told == set(METADATA.split(",")), f"the metadata is {told}")
        require(server.patch(path, offset, content[offset:]) == SIZE, "it was not finished")
        answer = server.request("GET", path, {})
        require(answer.content == content, "the content differs")
    return acknowledged, offset


def hand_over_partials(first: Start, second: Start, folder: Path) -> None:
    """Begin two partial uploads in `first`, finish and join them in `second`."""
    with first(folder) as server:
        paths = [server.create(5, Upload_Concat="partial") for _ in range(2)]
        server.patch(paths[0], 0, b"hello")
        server.patch(paths[1], 0, b" t")
        server.kill()
    with second(folder) as server:
        require(server.request("HEAD", paths[1], {}).headers["Upload-Concat"] == "partial", "kind")
        server.patch(paths[1], 2, b"us!")
        answer = server.request(
            "POST", server.path, {"Upload-Concat": f"final;{paths[0]} {paths[1]}"}
        )
        require(answer.status == 201, f"the final upload was answered {answer.status}")
        final = answer.headers["Location"].rpartition("/")[2]
        server.kill()
    with first(folder) as server:
        answer = server.request("GET", server.path + final, {})
        require(answer.content == b"hello tus!", "the content differs")


def hand_over_deferred(first: Start, second: Start, folder: Path) -> None:
    """Begin an upload without a length in `first`, declare it in `second`, look in `first`."""
    with first(folder) as server:
        answer = server.request("POST", server.path, {"Upload-Defer-Length": "1"})
        path = server.path + answer.headers["Location"].rpartition("/")[2]
        server.patch(path, 0, b"hello")
        server.kill()
    with second(folder) as server:
        require(server.request("HEAD", path, {}).headers["Upload-Defer-Length"] == "1", "deferred")
        server.patch(path, 5, b" tus!", Upload_Length="10")
        server.kill()
    with first(folder) as server:
        require(server.request("HEAD", path, {}).headers["Upload-Length"] == "10", "length")
        answer = server.request("GET", path, {})
        require(answer.content == b"hello tus!", "the content differs")


def require(holds: bool, sentence: str) -> None:  # noqa: FBT001
    """Raise `AssertionError` unless the condition holds."""
    if not holds:
        raise AssertionError(sentence)


def main() -> int:
    """Run all trials; an `AssertionError` ends them."""
    binary = Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    chance = random.Random(1)

    def start_tusd(folder: Path) -> AbstractContextManager[InteropServer]:
        return run_tusd(binary, folder)

    for name, first, second in (
        ("tusd, then the reference", start_tusd, run_reference),
        ("the reference, then tusd", run_reference, start_tusd),
    ):
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                acknowledged, offset = hand_over(first, second, Path(folder), chance)
            print(f"{name}, {number}: acknowledged {acknowledged}, continued at {offset}")
        with tempfile.TemporaryDirectory() as folder:
            hand_over_partials(first, second, Path(folder))
            print(f"{name}: partial uploads joined")
        with tempfile.TemporaryDirectory() as folder:
            hand_over_deferred(first, second, Path(folder))
            print(f"{name}: deferred length declared", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
