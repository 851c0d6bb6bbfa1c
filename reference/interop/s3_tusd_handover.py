"""Hand uploads over between tusd and the reference in one bucket of SeaweedFS.

    python -m interop.s3_tusd_handover PATH-OF-TUSD [ROUNDS]       (from the folder reference/)

After a graceful stop in the middle of a body each continues what the other began. After
SIGKILL of either, the reference continues: tusd's S3 store takes its tail away before what
replaces it is stored, so its own offset may be anywhere then, but what counts is right.
"""

from __future__ import annotations

import random
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interop.crashes import require
from interop.s3_servers import run_seaweedfs

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from interop.server_processes import InteropServer

    Start = Callable[[], AbstractContextManager[InteropServer]]

MIB = 1024 * 1024
SIZE = 32 * MIB
FLAGS = ("-s3-part-size", str(6 * MIB))
METADATA = "filename d8O8cnN0LnR4dA==,filetype dGV4dC9wbGFpbg=="


def hand_over(first: Start, second: Start, chance: random.Random, number: int) -> str:
    """Stop `first` in the middle of an upload and let `second` finish it."""
    content = chance.randbytes(SIZE)
    acknowledged = chance.randrange(SIZE // 3)
    with first() as server:
        path = server.create(SIZE, Upload_Metadata=METADATA)
        require(server.patch(path, 0, content[:acknowledged]) == acknowledged, "not acknowledged")
        with server.begin_patch(path, acknowledged, SIZE - acknowledged) as connection:
            sent = acknowledged + chance.randrange(SIZE // 2)
            connection.sendall(content[acknowledged:sent])
            time.sleep(chance.uniform(0.0, 0.1))
            if number == signal.SIGKILL:
                server.kill()
            else:
                stop(server, connection, number)
    with second() as server:
        answer = server.request("HEAD", path, {})
        require(answer.status == 200, f"HEAD is answered {answer.status}")
        offset = int(answer.headers["Upload-Offset"])
        require(offset <= sent, f"the offset is {offset} after {sent}")
        require(answer.headers["Upload-Length"] == str(SIZE), "the length is lost")
        told = set((answer.headers["Upload-Metadata"] or "").split(","))
        require(told == set(METADATA.split(",")), f"the metadata is {told}")
        require(server.patch(path, offset, content[offset:]) == SIZE, "it was not finished")
        answer = server.request("GET", path, {})
        require(answer.content == content, "the content differs")
    return f"acknowledged {acknowledged}, sent {sent}, found {offset}"


def stop(server: InteropServer, connection: socket.socket, number: int) -> None:
    """Stop a server in order and wait for its end, as it waits for ours."""
    server.process.send_signal(number)
    connection.shutdown(socket.SHUT_WR)
    require(server.process.wait(30) in {0, -number}, "the server did not stop in order")


def main() -> int:
    """Run all trials; the first that fails ends them."""
    binary, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    chance = random.Random(1)
    with run_seaweedfs() as s3:

        def tusd() -> AbstractContextManager[InteropServer]:
            return s3.run_tusd(binary, *FLAGS)

        def reference() -> AbstractContextManager[InteropServer]:
            return s3.run_reference(f"-{FLAGS[0]}", FLAGS[1])

        for name, first, second, number in (
            ("tusd stopped, then the reference", tusd, reference, signal.SIGTERM),
            ("the reference stopped, then tusd", reference, tusd, signal.SIGTERM),
            ("tusd killed, then the reference", tusd, reference, signal.SIGKILL),
            ("the reference killed, then the reference", reference, reference, signal.SIGKILL),
        ):
            for _ in range(rounds):
                print(f"{name}: {hand_over(first, second, chance, number)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
