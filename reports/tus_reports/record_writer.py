"""Writing a run record, line by line, so that a run that dies leaves what it knew."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tus_reports.record import Footer, Header, RecordLine


class RecordOrderError(RuntimeError):
    """A line was written where the format has no place for it: a mistake of the writing program."""


class RecordWriter:
    """Write a record to `path`, replacing what is there; each line is flushed as it is written.

    Raises `OSError` where the file cannot be written and `RecordOrderError` for a misplaced line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoder = msgspec.json.Encoder()
        self._file = path.open("wb")
        self._begun = False
        self._ended = False

    def write(self, line: RecordLine) -> None:
        """Write one line and flush it."""
        self._check_order(line)
        self._file.write(self._encoder.encode(line) + b"\n")
        self._file.flush()
        self._begun = True
        self._ended = isinstance(line, Footer)

    def close(self) -> None:
        """Close the file; without a footer the record stays one that was cut short."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_order(self, line: RecordLine) -> None:
        kind = str(type(line).__struct_config__.tag)
        if self._ended:
            raise RecordOrderError(
                f"Cannot write a {kind} to {self.path} after the footer: the footer ends a record."
            )
        if isinstance(line, Header) and self._begun:
            raise RecordOrderError(
                f"Cannot write a second header to {self.path}: a record has one."
            )
        if not isinstance(line, Header) and not self._begun:
            raise RecordOrderError(
                f"Cannot write a {kind} to {self.path} before the header, which begins a record."
            )
