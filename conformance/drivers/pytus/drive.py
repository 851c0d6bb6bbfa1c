"""Drives pytus: what its `upload` does, with the URL that it does not return."""

import argparse
import io
import os
import sys

import pytus
import requests

parser = argparse.ArgumentParser()
parser.add_argument("endpoint")
parser.add_argument("file")
parser.add_argument("--chunk", type=int, default=pytus.DEFAULT_CHUNK_SIZE)
parser.add_argument("--resume")
parser.add_argument("--defer", action="store_true")
parser.add_argument("--terminate", action="store_true")
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--header", action="append", default=[])
options, unknown = parser.parse_known_args()
if unknown:
    sys.exit(64)
headers = dict(header.split(": ", 1) for header in options.header)


class Stream(io.FileIO):
    """A file whose length cannot be found out."""

    def seekable(self):
        """Return that it cannot be searched."""
        return False


try:
    with (Stream if options.defer else io.FileIO)(options.file) as file:
        offset = None
        url = options.resume
        if not url:
            metadata = dict(pair.split("=", 1) for pair in options.meta)
            name = metadata.pop("filename", os.path.basename(options.file))
            size = None if options.defer else os.path.getsize(options.file)
            more = {"headers": headers, "metadata": metadata or None}
            url, _ = pytus.create(options.endpoint, name, size, requests, **more)
            offset = 0
        print("url", url, flush=True)
        more = {"chunk_size": options.chunk, "headers": headers, "offset": offset}
        pytus.resume(file, url, requests, **more)
    if options.terminate:
        pytus.terminate(url, requests)
except Exception as error:
    print("error", repr(error))
    sys.exit(1)
print("done", url)
