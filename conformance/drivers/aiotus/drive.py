"""Drives aiotus."""

import argparse
import asyncio
import io
import sys
from pathlib import Path
from typing import BinaryIO

import aiohttp
import aiotus
import yarl

parser = argparse.ArgumentParser()
parser.add_argument("endpoint")
parser.add_argument("file", type=Path)
parser.add_argument("--chunk", type=int, default=4 * 1024 * 1024)
parser.add_argument("--resume")
parser.add_argument("--parallel", type=int)
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--header", action="append", default=[])
options, unknown = parser.parse_known_args()
if unknown:
    sys.exit(64)
headers = dict(header.split(": ", 1) for header in options.header)
metadata = {key: value.encode() for key, value in (pair.split("=", 1) for pair in options.meta)}


async def upload(file: BinaryIO) -> object:
    """Upload the file as the options say; return its URL."""
    if options.resume:
        async with aiohttp.ClientSession(headers=headers) as session:
            url = yarl.URL(options.resume)
            await aiotus.core.upload_buffer(session, url, file, chunksize=options.chunk)
        return options.resume
    if options.parallel:
        data = file.read()
        size = -(-len(data) // options.parallel)
        parts = [io.BytesIO(data[at : at + size]) for at in range(0, len(data), size)]
        more = {"headers": headers, "chunksize": options.chunk}
        count = options.parallel
        return await aiotus.upload_multiple(
            options.endpoint, parts, metadata, parallel_uploads=count, **more
        )
    return await aiotus.upload(
        options.endpoint, file, metadata, headers=headers, chunksize=options.chunk
    )


try:
    with options.file.open("rb") as source:
        url = asyncio.run(upload(source))
    if url is None:
        raise ValueError("the function returned None")
except Exception as error:
    print("error", repr(error))
    sys.exit(1)
print("done", url)
