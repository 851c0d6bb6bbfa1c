"""Two reference servers on one folder: a PATCH to one takes over from a PATCH to the other.

    python -m interop.lock_takeover [ROUNDS]      (from the folder reference/)

The first PATCH stalls. The second one has to proceed within a second, with every byte that
the first received; and so it has to when the first server is killed while it holds the lock.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from interop.server_processes import run_reference

CONTENT = bytes(range(256)) * 4096


def run_round(folder: Path, *, killed: bool) -> float:
    """Take over once; return the seconds that the new request waited."""
    flags = ("--locker", "file")
    half = len(CONTENT) // 2
    with run_reference(folder, *flags) as first, run_reference(folder, *flags) as second:
        path = first.create(len(CONTENT))
        with first.begin_patch(path, 0, len(CONTENT)) as stalled:
            stalled.sendall(CONTENT[:half])
            while second.offset(path) < half:
                pass
            if killed:
                first.kill()
            start = time.monotonic()
            if second.patch(path, half, CONTENT[half:]) != len(CONTENT):
                raise AssertionError("the newcomer did not finish the upload")
            seconds = time.monotonic() - start
            if not killed and b"ERR_UPLOAD_INTERRUPTED" not in stalled.recv(65536):
                raise AssertionError("the holder was not told why it had to stop")
        answer = second.request("GET", path, {})
        if answer.content != CONTENT:
            raise AssertionError("the content differs")
    left = sorted(file.suffix for file in folder.iterdir())
    if left != ["", ".info"]:
        raise AssertionError(f"lock files are left behind: {left}")
    return seconds


def main() -> int:
    """Run the rounds and print the longest waits; an `AssertionError` ends them."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for killed in (False, True):
        waits = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                waits.append(run_round(Path(folder), killed=killed))
        holder = "a killed holder" if killed else "a stalled holder"
        print(f"{rounds} take-overs from {holder}: at most {max(waits):.2f} s")
        if max(waits) > 1:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
