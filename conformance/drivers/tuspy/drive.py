"""Drives tuspy."""

import argparse
import sys

from tusclient import client
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

parser = argparse.ArgumentParser(exit_on_error=False)
parser.add_argument("endpoint")
parser.add_argument("file")
parser.add_argument("--chunk", type=int)
parser.add_argument("--checksum", default="")
parser.add_argument("--resume")
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--header", action="append", default=[])
parser.add_argument("--retries", type=int, default=0)
options, unknown = parser.parse_known_args()
if unknown or options.checksum not in {"", "sha1"}:
    sys.exit(64)
try:
    headers = dict(header.split(": ", 1) for header in options.header)
    tus = client.TusClient(options.endpoint, headers=headers)
    arguments = (
        {"metadata": dict(pair.split("=", 1) for pair in options.meta)} if options.meta else {}
    )
    if options.chunk:
        arguments["chunk_size"] = options.chunk
    if options.resume:
        arguments["url"] = options.resume
    uploader = tus.uploader(
        options.file, retries=options.retries, upload_checksum=bool(options.checksum), **arguments
    )
    if uploader.url:
        print("url", uploader.url, flush=True)
    uploader.upload()
except (TusCommunicationError, TusUploadFailed) as error:
    print("error", error.__class__.__name__, error)
    sys.exit(1)
except Exception as error:
    print("error", repr(error))
    sys.exit(1)
print("done", uploader.url)
