"""`peers.peer_run`: the suite's arguments for a server, and the summary of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.installation import Installation
from peers.peer_run import PeerResult, exit_code_of, read_result, suite_arguments, summarize

PEER = Installation("one", "One", "1.2.3", "one {port}", "/files/", Path.cwd() / "p/profile.toml")


def test_a_record_has_no_path_of_the_machine() -> None:
    words = suite_arguments(PEER, Path("report/one"), ["--seed", "1"])
    assert [word for word in words if word.startswith(("/", str(Path.cwd())))] == []
    assert words[0] == "run"
    assert words[-2:] == ["--seed", "1"]
    for option, value in {
        "--server-command": "one {port}",
        "--target": "http://127.0.0.1:{port}/files/",
        "--profile": "p/profile.toml",
        "--name": "One",
        "--server-version": "1.2.3",
        "--report-dir": "report/one",
    }.items():
        assert words[words.index(option) + 1] == value


def test_a_run_without_a_record_has_no_counts(tmp_path: Path) -> None:
    result = read_result(PEER, tmp_path / "run.ndjson", 3, 1.0)
    assert (result.exit_code, result.violated) == (3, 0)


def test_the_summary_has_a_line_for_each_server_and_the_reasons_at_its_end() -> None:
    results = [
        PeerResult("absent", missing="go not installed"),
        PeerResult("one", "1.2.3", exit_code=1, seconds=12.3, violated=4, warnings=2),
    ]
    lines = summarize(results).splitlines()
    assert "4 violated" in lines[0]
    assert "12 s" in lines[0]
    assert lines[1:] == [
        "absent is left out: go not installed.",
        "1 servers tested, 1 left out.",
    ]


@pytest.mark.parametrize(("codes", "expected"), [([0, 1], 0), ([1, 3], 3), ([2], 3), ([], 0)])
def test_a_violation_is_a_result_and_a_run_that_cannot_tell_is_an_error(
    codes: list[int], expected: int
) -> None:
    results = [PeerResult("one", exit_code=code) for code in codes]
    assert exit_code_of([*results, PeerResult("two", missing="a reason")]) == expected
