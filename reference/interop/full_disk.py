"""Fill the disk of the reference: 507, nothing acknowledged is lost, and all of it can be removed.

    python -m interop.full_disk [--megabytes 8]      (from the folder reference/)

The upload folder is a tmpfs of so many MiB, which needs the right to mount, such as that of root or
`unshare -rm`. With each locker, uploads are sent until the disk is full, in one body, in chunks and
with a checksum; then offsets are asked for, uploads are created, joined and removed, and what was
refused is resumed. At the end the folder is empty, at once, and no descriptor stays open.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from interop.crashes import checksum, download, find_leftovers, require, wait_until
from interop.server_processes import OFFSET_TYPE, run_reference
from interop.soak import count_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.server_processes import InteropServer

MIB = 1024 * 1024
SWEEP = ("--expire-after", "30")
FLAG_SETS = (("--locker", "memory"), ("--locker", "file"), ("--workers", "2"))


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a tmpfs until the block ends; raise `SystemExit` if that is not permitted."""
    with tempfile.TemporaryDirectory(prefix="tus-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", name]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"This needs the right to mount, as in unshare -rm: {done.stderr}")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def fill(server: InteropServer, piece: bytes) -> dict[str, int]:
    """Upload until the disk is full, in every way; return the offsets of all uploads by path."""
    offsets: dict[str, int] = {}
    for number in range(100):
        answer = server.request("POST", server.path, {"Upload-Length": str(2 * len(piece))})
        if answer.status == 507:
            require(bool(offsets), "the disk was full before the first upload")
            return offsets
        require(answer.status == 201, f"POST was answered {answer.status}")
        path = server.path + answer.headers["Location"].rpartition("/")[2]
        fields = {"Upload-Offset": "0", "Content-Type": OFFSET_TYPE}
        if number % 2:
            fields["Upload-Checksum"] = checksum(piece)
        status = server.request("PATCH", path, fields, piece).status
        require(status in {204, 507}, f"PATCH on a full disk was answered {status}")
        offsets[path] = server.offset(path)
        require(status != 204 or offsets[path] == len(piece), "acknowledged bytes are missing")
        if status == 507 and number > 8:
            return offsets
    raise AssertionError("the disk did not fill")


def run_round(folder: Path, flags: tuple[str, ...], piece: bytes) -> str:
    """Run one round; return how it went, raise `AssertionError` if a rule does not hold."""
    with run_reference(folder, *flags, *SWEEP) as server:
        first = server.create(0)
        before = count_descriptors(server)
        offsets = fill(server, piece)
        for path, offset in offsets.items():
            require(server.offset(path) == offset, "an offset changed")
            require(server.offset(path) == offset, "a second look gave something else")
        full = [path for path, offset in offsets.items() if offset < len(piece)]
        for path in list(offsets)[: len(offsets) // 2 + 1]:
            status = server.request("DELETE", path, {}).status
            require(status == 204, f"DELETE on a full disk was answered {status}")
            del offsets[path]
        resumed = 0
        for path in full:
            if path in offsets:
                end = server.patch(path, offsets[path], piece[offsets[path] :])
                require(end == len(piece), "a refused upload could not be resumed")
                resumed += 1
        for path in [first, *offsets]:
            require(server.request("DELETE", path, {}).status == 204, "DELETE was refused")
        partials = [server.create(len(piece), Upload_Concat="partial") for _ in range(2)]
        for path in partials:
            server.patch(path, 0, piece)
        final = server.request(
            "POST", server.path, {"Upload-Concat": f"final;{' '.join(partials)}"}
        )
        if final.status == 201:
            path = server.path + final.headers["Location"].rpartition("/")[2]
            require(download(server, path) == piece * 2, "the final upload differs")
            partials.append(path)
        for path in partials:
            require(server.request("DELETE", path, {}).status == 204, "DELETE was refused")
        wait_until(lambda: count_descriptors(server) <= before + 1, "descriptors stay open")
        require(not find_leftovers(folder), f"{find_leftovers(folder)} were left")
    left = [path.name for path in folder.iterdir() if not path.name.endswith((".lock", ".stop"))]
    require(not left, f"{left} were left")
    return f"{len(full)} refused, {resumed} resumed, a join was answered {final.status}"


def main() -> int:
    """Run a round with each locker and print the results; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--megabytes", type=int, default=8)
    options = arguments.parse_args()
    piece = bytes(range(256)) * (options.megabytes * MIB // 8 // 256)
    failures = 0
    for flags in FLAG_SETS:
        with small_disk(options.megabytes) as folder:
            try:
                result = run_round(folder, flags, piece)
            except AssertionError as error:
                failures += 1
                result = f"FAILED: {error}; there are {sorted(p.name for p in folder.iterdir())}"
        print(f"{' '.join(flags)}: {result}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
