"""tussi on a folder: python app.py PORT FOLDER."""

import sys
from pathlib import Path

import uvicorn
from tussi import FilesystemStorage, TUSApp

port, folder = sys.argv[1:]
storage = FilesystemStorage(directory=Path(folder) / "unfinished")
app = TUSApp(storage=storage, completed_dir=Path(folder) / "completed")
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
