"""Flask-Tus-Cont on a folder, with a Redis in memory: python app.py PORT FOLDER."""

import sys

import fakeredis
import flask_tus_cont
import waitress
from flask import Flask

port, folder = sys.argv[1:]
redis = fakeredis.FakeRedis()
flask_tus_cont.TusManager.redis_connection = property(lambda _: redis)
app = Flask(__name__)
app.config.update(tus_uploads_url="/files", UPLOAD_FOLDER=folder)
flask_tus_cont.TusManager(app)
waitress.serve(app, host="127.0.0.1", port=int(port), threads=8)
