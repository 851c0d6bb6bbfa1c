"""GET, which tus leaves to HTTP: what a stored upload is given back as, and which bytes of it."""

from tus_reference.downloads.ranges import DownloadSelection, select_bytes
from tus_reference.downloads.response_headers import content_headers
from tus_reference.downloads.started_read import StartedRead, start_reading

__all__ = [
    "DownloadSelection",
    "StartedRead",
    "content_headers",
    "select_bytes",
    "start_reading",
]
