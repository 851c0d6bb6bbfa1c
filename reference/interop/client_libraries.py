"""Upload with tuspy and tus-js-client to the reference, in every way they know.

python -m interop.client_libraries PYTHON-WITH-TUSPY NODE_MODULES     (from the folder reference/)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from interop.server_processes import run_reference

TUSPY = """
import hashlib, io, os, sys, urllib.request
from tusclient import client
content = os.urandom(3 * 1024 * 1024 + 17)
tus = client.TusClient(sys.argv[1])
failures = 0

def tell(name, good):
    global failures
    failures += not good
    print(f"tuspy, {name}: {'ok' if good else 'FAILED'}", flush=True)

def stored(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()

for name, options in {
    "whole": {},
    "chunked": {"chunk_size": 1_000_003},
    "with metadata": {"metadata": {"filename": "w\\u00fcrst", "filetype": "x/y", "empty": ""}},
    "with checksums": {"upload_checksum": True, "chunk_size": 700_000},
}.items():
    uploader = tus.uploader(file_stream=io.BytesIO(content), **options)
    uploader.upload()
    tell(name, stored(uploader.url) == content)

uploader = tus.uploader(file_stream=io.BytesIO(content), chunk_size=600_000)
uploader.upload(stop_at=1_200_000)
again = tus.uploader(file_stream=io.BytesIO(content), url=uploader.url)
tell("resumed at the offset that the server tells", again.offset == 1_200_000)
again.upload()
tell("resumed", stored(again.url) == content)
sys.exit(bool(failures))
"""


def main() -> int:
    """Run both clients; return 1 if one of them failed."""
    python, modules = Path(sys.argv[1]), Path(sys.argv[2])
    script = Path(__file__).with_name("clients.js")
    code = 0
    with tempfile.TemporaryDirectory() as folder, run_reference(Path(folder)) as server:
        code |= subprocess.run([python, "-c", TUSPY, server.url], check=False).returncode
        environment = {**os.environ, "NODE_PATH": str(modules)}
        node = ["node", str(script), server.url]
        code |= subprocess.run(node, check=False, env=environment).returncode
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
