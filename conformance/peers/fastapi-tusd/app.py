"""fastapi-tusd on a folder, as its documentation sets it up: python app.py PORT FOLDER."""

import sys

import uvicorn
from fastapi import FastAPI
from fastapi_tusd import TusRouter

port, folder = sys.argv[1:]
app = FastAPI()
app.include_router(TusRouter(store_dir=folder, location="/files"), prefix="/files")
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
