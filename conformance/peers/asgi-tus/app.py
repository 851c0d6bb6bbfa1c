"""asgi-tus on a folder, with its default settings: python app.py PORT FOLDER."""

import sys

import uvicorn
from asgi_tus import ASGITusApp, FileStorage, TusConfig

port, folder = sys.argv[1:]
app = ASGITusApp(FileStorage(folder), TusConfig())
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", lifespan="off")
