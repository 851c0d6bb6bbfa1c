"""aiohttp-tus on a folder: python app.py PORT FOLDER."""

import sys
from pathlib import Path

from aiohttp import web
from aiohttp_tus import setup_tus

port, folder = sys.argv[1:]
# Every upload of a run has the same file name; the default size limit of a body is 1 MiB.
app = setup_tus(
    web.Application(client_max_size=2**30),
    upload_url="/files",
    upload_path=Path(folder),
    allow_overwrite_files=True,
)
web.run_app(app, host="127.0.0.1", port=int(port), print=None)
