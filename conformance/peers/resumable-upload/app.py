"""The server of resumable-upload on a folder: python app.py PORT FOLDER."""

import sys
from http.server import ThreadingHTTPServer

from resumable_upload import SQLiteStorage, TusHTTPRequestHandler, TusServer

port, folder = sys.argv[1:]
storage = SQLiteStorage(db_path=f"{folder}/uploads.db", upload_dir=folder)


class Handler(TusHTTPRequestHandler):
    """The requests of one connection."""

    # As its own command line does: this transport reads trailers.
    tus_server = TusServer(
        storage=storage, base_path="/files", supports_checksum_trailer=True, enable_downloads=True
    )


ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
