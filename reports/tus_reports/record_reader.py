"""Reading a run record back, with a named error for each way in which a file is not one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tus_reports.format_1 import upgrade_line
from tus_reports.load_result import LoadResult
from tus_reports.record import (
    FORMAT,
    Discovery,
    Footer,
    Header,
    RecordLine,
    RequirementResult,
    ScenarioResult,
)

FORMATS_READ = (1, FORMAT)

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Record:
    """A run: what a record holds. `footer` is None where the run was cut short.

    `load` is what came of a load; a run of the suite has none.
    """

    header: Header
    discovery: Discovery | None = None
    scenarios: tuple[ScenarioResult, ...] = ()
    requirements: tuple[RequirementResult, ...] = ()
    footer: Footer | None = None
    load: LoadResult | None = None

    @classmethod
    def from_lines(cls, lines: Iterable[RecordLine]) -> Record:
        """Return the record of lines in the order in which a run writes them."""
        found = list(lines)
        return cls(
            header=next(line for line in found if isinstance(line, Header)),
            discovery=next((line for line in found if isinstance(line, Discovery)), None),
            scenarios=tuple(line for line in found if isinstance(line, ScenarioResult)),
            requirements=tuple(line for line in found if isinstance(line, RequirementResult)),
            footer=next((line for line in found if isinstance(line, Footer)), None),
            load=next((line for line in found if isinstance(line, LoadResult)), None),
        )


class RecordError(ValueError):
    """A file that is not a whole and readable record; the message says what to do."""


class EmptyRecordError(RecordError):
    """The file has no lines."""


class NotARecordError(RecordError):
    """A line is not JSON, or not a line of a record."""


class NoHeaderError(RecordError):
    """The first line is not a header."""


class UnknownFormatError(RecordError):
    """The record is of a format that this version does not read."""


class MisplacedLineError(RecordError):
    """a second header, discovery or footer, or a line after the footer."""


class DuplicateError(RecordError):
    """Two scenarios, or two requirements, have the same id."""


class TruncatedRecordError(RecordError):
    """The record has no footer. `record` is what could be read of it."""

    def __init__(self, message: str, record: Record) -> None:
        super().__init__(message)
        self.record = record


class _RecordStart(msgspec.Struct):
    kind: str = ""
    format: int = 0


def read(path: Path, *, allow_truncated: bool = False) -> Record:
    """Read the record at `path`, which may be packed by gzip; one of format 1 is converted.

    Raises `OSError` where the file cannot be read, and a `RecordError` where it is not a record.
    With `allow_truncated` a record without a footer is returned with `footer` None; otherwise it
    is a `TruncatedRecordError`, which carries it.
    """
    lines = list(_read_lines(path))
    record = _build_record(path, lines)
    if record.footer is None and not allow_truncated:
        raise TruncatedRecordError(
            f"{path} has no footer: the run was cut short after {len(record.scenarios)} scenarios. "
            "Run the suite again; reports of the incomplete record are still possible.",
            record,
        )
    return record


def _read_lines(path: Path) -> Iterator[tuple[int, RecordLine]]:
    whole = _read_bytes(path)
    if not whole.strip():
        raise EmptyRecordError(f"{path} is empty: the run wrote nothing. Run the suite again.")
    texts = whole.split(b"\n")
    decode = _line_decoder(_record_format(path, texts[0]))
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        try:
            yield number, decode(text)
        except msgspec.DecodeError as error:
            if number == len(texts):  # no newline after it: the writer died in mid-line
                return
            raise NotARecordError(
                f"{path}, line {number}, is not a line of a run record: {error}. "
                "Give the run.ndjson that a run wrote, unchanged."
            ) from None


def _read_bytes(path: Path) -> bytes:
    """Return what a file holds, unpacked if it is a gzip file, whatever it is called."""
    found = path.read_bytes()
    if not found.startswith(_GZIP_MAGIC):
        return found
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        whole = unpacking.decompress(found)
    except zlib.error as error:
        raise NotARecordError(
            f"{path} cannot be decompressed: {error}. Give the complete, unchanged file."
        ) from None
    if not unpacking.eof:
        raise NotARecordError(f"{path} is truncated. Give the whole file.")
    return whole


def _line_decoder(format_: int) -> Callable[[bytes], RecordLine]:
    """Return what makes a line of a record of a format into its type."""
    if format_ == FORMAT:
        return msgspec.json.Decoder(RecordLine).decode
    return lambda text: msgspec.convert(upgrade_line(msgspec.json.decode(text)), RecordLine)


def _record_format(path: Path, text: bytes) -> int:
    """Return the format that the first line of a record states."""
    try:
        opening = msgspec.json.decode(text, type=_RecordStart)
    except msgspec.DecodeError as error:
        raise NotARecordError(
            f"{path}, line 1, is not a line of a run record: {error}. "
            "Give the run.ndjson that a run wrote, unchanged."
        ) from None
    if opening.kind != "header":
        raise NoHeaderError(
            f"{path} does not begin with a header. Give the whole run.ndjson that a run wrote."
        )
    if opening.format not in FORMATS_READ:
        raise UnknownFormatError(
            f"{path} is a record of format {opening.format}; this version of tus-conformance reads "
            f"formats {' and '.join(map(str, FORMATS_READ))}. "
            "Use the version that wrote it, or run the suite again."
        )
    return opening.format


def _build_record(path: Path, lines: list[tuple[int, RecordLine]]) -> Record:
    _check_order(path, lines)
    record = Record.from_lines(line for _, line in lines)
    _check_ids(path, "scenario", [line.id for line in record.scenarios])
    _check_ids(path, "requirement", [line.id for line in record.requirements])
    return record


def _check_order(path: Path, lines: list[tuple[int, RecordLine]]) -> None:
    seen: set[type[RecordLine]] = set()
    for number, line in lines:
        kind = type(line)
        if Footer in seen:
            raise MisplacedLineError(
                f"{path}, line {number}, is after the footer. If two records were joined in "
                "one file, give them as two files."
            )
        if kind in seen and kind in {Header, Discovery, LoadResult}:
            raise MisplacedLineError(
                f"{path}, line {number}, is a second {kind.__struct_config__.tag}. "
                "If two records were joined in one file, give them as two files."
            )
        seen.add(kind)


def _check_ids(path: Path, noun: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DuplicateError(
                f"{path} has two lines for the {noun} {name}; it is unclear which counts. "
                "Run the suite again."
            )
        seen.add(name)
