"""`peers.history`: what changed from one published run of a server to the next."""

from __future__ import annotations

from pathlib import Path

from peers.history import HistoryEntry, add_entry, history_lines, read_history


def entry(version: str, date: str, *violated: str, server: str = "one") -> HistoryEntry:
    return HistoryEntry(
        server=server,
        version=version,
        suite="0.1.0",
        date=date,
        requirements=10,
        violated=violated,
        warned=(),
    )


def test_a_later_run_of_the_same_versions_replaces_the_line(tmp_path: Path) -> None:
    path = tmp_path / "history.ndjson"
    assert read_history(path) == []
    for each in (entry("1", "2026-01-01", "a"), entry("2", "2026-01-02"), entry("1", "2026-01-03")):
        add_entry(path, each)
    assert read_history(path) == [entry("2", "2026-01-02"), entry("1", "2026-01-03")]


def test_a_change_names_what_is_new_and_what_has_gone() -> None:
    entries = [
        entry("2", "2026-02-01", "b", "c"),
        entry("1", "2026-01-01", "a", "b"),
        entry("3", "2026-03-01", "b", "c"),
        entry("1", "2026-01-01", "x", server="alone"),
    ]
    assert list(history_lines(entries)) == [
        "- one 1 (suite 0.1.0, 2026-01-01) → one 2 (suite 0.1.0, 2026-02-01):"
        " now violated: c; no longer violated: a",
        "- one 2 (suite 0.1.0, 2026-02-01) → one 3 (suite 0.1.0, 2026-03-01):"
        " the same requirements are violated",
    ]
