"""Drives pytus."""

import argparse
import sys

import pytus
import requests

parser = argparse.ArgumentParser()
parser.add_argument("endpoint")
parser.add_argument("file")
parser.add_argument("--chunk", type=int, default=pytus.DEFAULT_CHUNK_SIZE)
parser.add_argument("--resume")
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--header", action="append", default=[])
options, unknown = parser.parse_known_args()
if unknown:
    sys.exit(64)
settings = {"headers": dict(header.split(": ", 1) for header in options.header)}
try:
    with open(options.file, "rb") as file:
        if options.resume:
            url = options.resume
            pytus.resume(file, url, requests, chunk_size=options.chunk, **settings)
        else:
            metadata = dict(pair.split("=", 1) for pair in options.meta)
            url = ""  # the function does not return it
            pytus.upload(
                file,
                options.endpoint,
                chunk_size=options.chunk,
                file_name=metadata.pop("filename", None),
                metadata=metadata or None,
                **settings,
            )
except Exception as error:
    print("error", repr(error))
    sys.exit(1)
print("done", url)
