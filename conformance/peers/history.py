"""What became of the verdicts on each server, from one published run to the next.

`history.ndjson` has a line for each version of a server with each version of the suite: the
requirements that it violates and those that it is warned about. A line is replaced by a later run
of the same two versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from tus_reports import Record

HISTORY = "history.ndjson"


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on one version of a server; `server` is the name of its recipe."""

    server: str
    version: str
    suite: str
    date: str
    requirements: int
    violated: tuple[str, ...]
    warned: tuple[str, ...]


def entry_of(server: str, version: str, record: Record) -> HistoryEntry:
    """Return the entry of a record."""
    verdicts = {line.id: line.verdict for line in record.requirements if not line.is_aggregate}
    return HistoryEntry(
        server=server,
        version=version,
        suite=record.header.suite_version,
        date=record.header.started_at[:10],
        requirements=len(verdicts),
        violated=tuple(sorted(name for name, verdict in verdicts.items() if verdict == "fail")),
        warned=tuple(sorted(name for name, verdict in verdicts.items() if verdict == "warn")),
    )


def read_history(path: Path) -> list[HistoryEntry]:
    """Return the entries of a file, oldest first; none without a file."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=HistoryEntry) for line in lines if line.strip()]


def add_entry(path: Path, entry: HistoryEntry) -> None:
    """Add an entry, in place of one of the same versions."""
    key = (entry.server, entry.version, entry.suite)
    kept = [each for each in read_history(path) if (each.server, each.version, each.suite) != key]
    lines = [msgspec.json.encode(each) for each in [*kept, entry]]
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def history_lines(entries: list[HistoryEntry]) -> Iterator[str]:
    """Yield, for each server with several entries, what changed from one to the next."""
    for server in sorted({each.server for each in entries}):
        own = sorted(
            (each for each in entries if each.server == server), key=lambda each: each.date
        )
        for before, after in pairwise(own):
            yield f"- {_versions(before)} → {_versions(after)}: {_change(before, after)}"


def _versions(entry: HistoryEntry) -> str:
    return f"{entry.server} {entry.version} (suite {entry.suite}, {entry.date})"


def _change(before: HistoryEntry, after: HistoryEntry) -> str:
    new = sorted(set(after.violated) - set(before.violated))
    gone = sorted(set(before.violated) - set(after.violated))
    parts = [f"now violated: {', '.join(new)}"] if new else []
    parts += [f"no longer violated: {', '.join(gone)}"] if gone else []
    return "; ".join(parts) or "the same requirements are violated"
