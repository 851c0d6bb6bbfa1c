"""tuswsgi on a folder, served by waitress: python app.py PORT FOLDER."""

import sys

import waitress
from tuswsgi import TusMiddleware


def application(_environ, start_response):
    """Answer for the application that gets each finished upload."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


port, folder = sys.argv[1:]
app = TusMiddleware(application, upload_path="/files", tmp_dir=folder)
waitress.serve(app, host="127.0.0.1", port=int(port), threads=8)
