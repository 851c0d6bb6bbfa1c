"""Upload the files of a folder with tuspy, and say where each one went.

python upload_files_tuspy.py ENDPOINT FOLDER        (with a Python that has tuspy)
"""

from __future__ import annotations

import sys
from pathlib import Path

from tusclient import client  # type: ignore[import-not-found]
from tusclient.exceptions import TusCommunicationError  # type: ignore[import-not-found]

endpoint, folder = sys.argv[1:]
tus = client.TusClient(endpoint)
RETRIES = 20


def upload(file: Path, number: int) -> str:
    """Upload a file; its creation is tried again by us, as tuspy does not retry that."""
    for _ in range(RETRIES):
        try:
            uploader = tus.uploader(
                file_path=str(file),
                chunk_size=(50_000, 100_000, 1_000_000)[number % 3],
                retries=RETRIES,
                retry_delay=0.01,
                metadata={"filename": file.name},
                upload_checksum=number % 2 == 1,
            )
            uploader.upload()
        except (TusCommunicationError, OSError):
            continue
        else:
            return str(uploader.url)
    raise SystemExit(f"{file.name} was not uploaded in {RETRIES} attempts")


for number, file in enumerate(sorted(Path(folder).iterdir())):
    print(file.name, upload(file, number), flush=True)
