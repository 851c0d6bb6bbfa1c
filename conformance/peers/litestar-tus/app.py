"""litestar-tus on a folder: python app.py PORT FOLDER."""

import sys

import uvicorn
from litestar import Litestar
from litestar_tus import TUSConfig, TUSPlugin

port, folder = sys.argv[1:]
plugin = TUSPlugin(TUSConfig(path_prefix="/files", upload_dir=folder))
app = Litestar(plugins=[plugin], request_max_body_size=None)
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
