"""Drives resumable-upload."""

import argparse
import sys

from resumable_upload import TusClient

parser = argparse.ArgumentParser()
parser.add_argument("endpoint")
parser.add_argument("file")
parser.add_argument("--chunk", type=int)
parser.add_argument("--parallel", type=int, default=1)
parser.add_argument("--checksum")
parser.add_argument("--resume")
parser.add_argument("--defer", action="store_true")
parser.add_argument("--override", action="store_true")
parser.add_argument("--terminate", action="store_true")
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--header", action="append", default=[])
options, unknown = parser.parse_known_args()
if unknown:
    sys.exit(64)
settings = {"headers": dict(header.split(": ", 1) for header in options.header)}
if options.chunk:
    settings["chunk_size"] = options.chunk
if options.checksum:
    settings["checksum"] = options.checksum
if options.override:
    settings["override_patch_method"] = True
try:
    client = TusClient(
        options.endpoint,
        on_upload_url_available=lambda url: print("url", url, flush=True),
        **settings,
    )
    metadata = dict(pair.split("=", 1) for pair in options.meta)
    if options.resume:
        url = client.resume_upload(options.file, options.resume)
    elif options.defer:
        deferred = client.create_deferred_upload(metadata)
        print("url", deferred, flush=True)
        url = client.resume_upload(options.file, deferred)
    else:
        url = client.upload_file(options.file, metadata=metadata, parallel_uploads=options.parallel)
    if options.terminate:
        client.delete_upload(url)
except Exception as error:
    print("error", repr(error))
    sys.exit(1)
print("done", url)
