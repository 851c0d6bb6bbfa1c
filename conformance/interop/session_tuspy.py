"""One session of tuspy, to be recorded: chunks with checksums, then one that is resumed.

python session_tuspy.py ENDPOINT        (with a Python that has tuspy)
"""

from __future__ import annotations

import io
import os
import sys

from tusclient import client  # type: ignore[import-not-found]

content = os.urandom(600_017)
tus = client.TusClient(sys.argv[1], headers={"Authorization": "Bearer very-secret"})
metadata = {"filename": "secret plans.bin", "filetype": "application/x-test"}

tus.uploader(
    file_stream=io.BytesIO(content), chunk_size=250_000, upload_checksum=True, metadata=metadata
).upload()

first = tus.uploader(file_stream=io.BytesIO(content), chunk_size=200_000, metadata=metadata)
first.upload(stop_at=400_000)
tus.uploader(file_stream=io.BytesIO(content), url=first.url).upload()
