"""Files that a command writes at its end: that they can be written is checked at its beginning."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def ensure_writable(file: Path) -> None:
    """Create the folder of a file; raise OSError if the file cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    existing = file if file.exists() else file.parent
    if not os.access(existing, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
