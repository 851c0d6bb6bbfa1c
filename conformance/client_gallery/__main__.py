"""Run a client of the gallery as a driver: `python -m client_gallery NAME ENDPOINT FILE ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from client_gallery.gallery import CLIENTS
from client_gallery.right_client import Job, UploadError


def parse(arguments: Sequence[str]) -> tuple[str, Job]:
    """Return the client's name and its job."""
    parser = argparse.ArgumentParser(prog="client_gallery")
    parser.add_argument("name", choices=sorted(CLIENTS))
    parser.add_argument("endpoint")
    parser.add_argument("file", type=Path)
    for flag in ("--chunk", "--parallel"):
        parser.add_argument(flag, type=int, default=0)
    for flag in ("--defer", "--with-creation", "--override", "--terminate"):
        parser.add_argument(flag, action="store_true")
    for flag in ("--checksum", "--resume"):
        parser.add_argument(flag, default="")
    parser.add_argument("--meta", action="append", default=[])
    parser.add_argument("--header", dest="headers", action="append", default=[])
    values = vars(parser.parse_args(arguments))
    return values.pop("name"), Job(**values)


def main(arguments: Sequence[str]) -> int:
    """Upload a file; say `done URL` and return 0, or say `error TEXT` and return 1."""
    name, job = parse(arguments)
    try:
        url = CLIENTS[name](job).run()
    except UploadError as error:
        print(f"error {error}", flush=True)
        return 1
    print(f"done {url}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
