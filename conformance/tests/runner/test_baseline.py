"""`runner.baseline`: known failures are ignored, new ones count, fixed ones must be removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import serve_in_thread
from minimal_server import MinimalServer
from scripted_server import CloseWithoutReply, ReceivedRequest, ScriptedAnswer, serve_answers

from tus_conformance.cli.main import main
from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.run_exit_code import exit_code_of_scenarios
from tus_conformance.runner.baseline import (
    Baseline,
    BaselineEntry,
    BaselineError,
    failing_pairs,
    format_baseline,
    read_baseline,
)
from tus_reports import Attempt, Check, Grade, ScenarioResult, Verdict

CHECKS = {"a.one": ("row.x", "row.y"), "a.two/label": ("row.y",)}
FAILS = "core.head.cache-control/none"
ROW = "core.head.cache-control"
PASSES = "core.options.answer"
FAILURES = f"{FAILS} {ROW}\nalways.head-cache-control {ROW}"
"""What fails when FAILS alone is selected: the invariant sees the same response."""


def read_text(folder: Path, text: str) -> Baseline:
    """Read a baseline of this text."""
    path = folder / "known.txt"
    path.write_text(text, "utf-8")
    return read_baseline(path, CHECKS)


def test_a_baseline_is_read_with_its_reasons(tmp_path: Path) -> None:
    text = "# ours\n\na.one row.x  # since 2.1 # really\n  a.two/label\trow.y\na.one row.x\n"
    assert read_text(tmp_path, text).entries == (
        BaselineEntry(("a.one", "row.x"), 3, "since 2.1 # really"),
        BaselineEntry(("a.two/label", "row.y"), 4),
    )


MISTAKES = [
    (
        "a.one",
        "line 1: write the id of a scenario and the id of a requirement.",
        "half a pair",
    ),
    ("a.one row.x row.y", "and the id of a requirement.", "more than a pair"),
    ("\na.oen row.x", "line 2: 'a.oen' is not a scenario. Did you mean a.one?", "a typo"),
    ("zzz row.x", "line 1: 'zzz' is not a scenario.", "a scenario like no other"),
    ("a.one row.z", "a.one does not check 'row.z'; it checks row.x, row.y.", "another row"),
]


@pytest.mark.parametrize(
    ("text", "says"), [pytest.param(*case[:2], id=case[2]) for case in MISTAKES]
)
def test_a_line_that_names_nothing_is_reported(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BaselineError) as raised:
        read_text(tmp_path, text)
    assert str(raised.value).startswith(f"The baseline {tmp_path / 'known.txt'}, line ")
    assert str(raised.value).removesuffix(".").endswith(says.removesuffix("."))


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"The baseline .*none cannot be read: No such file"):
        read_baseline(tmp_path / "none", CHECKS)
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(BaselineError, match=r"The baseline .*picture is not UTF-8 text\."):
        read_baseline(tmp_path / "picture", CHECKS)


def scenario_result(name: str, **grades: Grade | None) -> ScenarioResult:
    """Return a scenario whose checks came out so, in two attempts where one is a fail."""
    checks = tuple(
        Check(
            requirement=row.replace("_", "."),
            outcome="not-reached" if grade is None else "held" if grade == "pass" else "violated",
            grade=grade,
        )
        for row, grade in grades.items()
    )
    outcome = verdicts.of_attempt(checks)
    attempts = (Attempt(verdict=outcome, checks=checks),) * (2 if outcome == "fail" else 1)
    rows = tuple(check.requirement for check in checks)
    return scenario(name, outcome, rows, attempts)


def scenario(
    name: str, outcome: Verdict, rows: tuple[str, ...], attempts: tuple[Attempt, ...] = ()
) -> ScenarioResult:
    """Return a scenario of a record."""
    return ScenarioResult(
        id=name,
        title="A story",
        verdict=outcome,
        section="Core",
        extension="core",
        requirements=rows,
        attempts=attempts,
    )


def test_a_failure_is_a_pair_for_each_requirement() -> None:
    run = [
        scenario_result("a.one", row_x="fail", row_y="pass"),
        scenario_result("a.two", row_x="warn"),
        scenario_result("a.three", row_x="fail", row_y="fail"),
    ]
    assert failing_pairs(run, strict=False) == (
        ("a.one", "row.x"),
        ("a.three", "row.x"),
        ("a.three", "row.y"),
    )
    assert failing_pairs(run, strict=True) == (
        *(("a.one", "row.x"), ("a.two", "row.x")),
        *(("a.three", "row.x"), ("a.three", "row.y")),
    )


def known(*pairs: tuple[str, str]) -> Baseline:
    """Return a baseline of these fails."""
    return Baseline(tuple(BaselineEntry(pair, line) for line, pair in enumerate(pairs, 1)))


KNOWN: list[tuple[ScenarioResult, Baseline, bool, str]] = [
    (scenario_result("a.one", row_x="fail"), known(("a.one", "row.x")), True, "the very fail"),
    (scenario_result("a.one", row_x="fail"), known(), False, "no such fail"),
    (
        scenario_result("a.one", row_x="fail"),
        known(("a.two", "row.x")),
        False,
        "of another scenario",
    ),
    (
        scenario_result("a.one", row_x="fail", row_y="fail"),
        known(("a.one", "row.x")),
        False,
        "a second row fails besides",
    ),
    (
        scenario_result("a.one", row_x="fail"),
        Baseline(accepts_all=True),
        True,
        "all are, while it is written",
    ),
    (
        scenario_result("a.one", row_x="pass"),
        Baseline(accepts_all=True),
        False,
        "what passes is no fail",
    ),
]


@pytest.mark.parametrize(
    ("came", "baseline", "is_known"), [pytest.param(*case[:3], id=case[3]) for case in KNOWN]
)
def test_a_scenario_is_known_when_all_that_failed_in_it_is(
    came: ScenarioResult, baseline: Baseline, is_known: bool
) -> None:
    assert baseline.covers(came, strict=False) is is_known


FIXED: list[tuple[list[ScenarioResult], bool, str]] = [
    ([scenario_result("a.one", row_x="pass")], True, "it passes"),
    ([scenario_result("a.one", row_x="note")], True, "it is only noted"),
    ([scenario_result("a.one", row_x="warn")], True, "it is only warned of"),
    ([scenario_result("a.one", row_x="fail")], False, "it fails still"),
    ([scenario_result("a.one", row_x=None)], False, "it was not reached"),
    ([scenario("a.one", "excluded", ("row.x",))], False, "it was excluded"),
    ([scenario("a.one", "unsupported", ("row.x",))], False, "there is nothing like it any more"),
    ([scenario("a.one", "error", ("row.x",))], False, "the run could not tell"),
    ([], False, "the run did not come so far"),
]


@pytest.mark.parametrize(("run", "fixed"), [pytest.param(*case[:2], id=case[2]) for case in FIXED])
def test_an_entry_is_fixed_when_it_was_seen_to_hold(run: list[ScenarioResult], fixed: bool) -> None:
    baseline = known(("a.one", "row.x"))
    assert bool(baseline.fixed_entries(run, strict=False)) is fixed


@pytest.mark.parametrize(("grade", "fixed"), [("pass", 1), ("note", 1), ("warn", 0)])
def test_what_is_only_warned_of_is_not_fixed_strictly(grade: Grade, fixed: int) -> None:
    baseline = known(("a.one", "row.x"))
    assert (
        len(baseline.fixed_entries([scenario_result("a.one", row_x=grade)], strict=True)) == fixed
    )


def test_a_warn_is_a_fail_that_can_be_known_where_the_user_is_strict() -> None:
    came = scenario_result("a.one", row_x="warn")
    assert known(("a.one", "row.x")).covers(came, strict=True)
    assert not known().covers(came, strict=True)
    assert not known(("a.one", "row.x")).covers(came, strict=False)


def test_reasons_are_kept_when_a_baseline_is_rewritten(tmp_path: Path) -> None:
    before = read_text(tmp_path, "a.one row.x # ticket 7\na.one row.y\n")
    text = format_baseline([("a.one", "row.x"), ("a.two/label", "row.y")], before)
    assert text.splitlines()[-2:] == ["a.one row.x  # ticket 7", "a.two/label row.y"]
    assert read_text(tmp_path, text).pairs == {("a.one", "row.x"), ("a.two/label", "row.y")}


CODES: list[tuple[list[ScenarioResult], set[str], int, str]] = [
    ([scenario_result("a", x="fail")], {"a"}, 0, "a known fail"),
    (
        [scenario_result("a", x="fail"), scenario_result("b", x="fail")],
        {"a"},
        1,
        "another that is new",
    ),
    (
        [scenario_result("a", x="fail"), scenario("b", "error", ())],
        {"a"},
        3,
        "and an error besides",
    ),
    (
        [scenario_result("a", x="fail"), scenario("b", "excluded", ())],
        {"a"},
        0,
        "and the rest excluded",
    ),
]


@pytest.mark.parametrize(
    ("run", "let_be", "code"), [pytest.param(*case[:3], id=case[3]) for case in CODES]
)
def test_known_failures_do_not_count(
    run: list[ScenarioResult], let_be: set[str], code: int
) -> None:
    assert exit_code_of_scenarios(run, known=let_be) == code


@pytest.fixture(scope="module")
def tiny() -> Iterator[str]:
    """Serve a tiny tus server that forgets Cache-Control."""
    with serve_in_thread(serve_answers(MinimalServer(no_store=False))) as url:
        yield url


Given = list[tuple[str, int, str, str]]
RUNS: Given = [
    ("", 1, f"0 known, 2 new, 0 fixed\n  new        {FAILS} {ROW}", "an empty one"),
    (FAILURES, 0, "2 known, 0 new, 0 fixed", "one that knows the fail"),
    (
        f"{FAILURES}\n{PASSES} core.options.status",
        1,
        f"2 known, 0 new, 1 fixed\n  fixed      {PASSES} core.options.status: delete line 3 of ",
        "one that knows a fail too many",
    ),
    (
        f"{FAILURES}\ncore.method-override.head core.method-override.honoured",
        0,
        "2 known, 0 new, 0 fixed",
        "one that knows what was not selected",
    ),
    ("core.nothing core.nothing", 2, "", "one with an id that nobody has"),
]


@pytest.mark.parametrize(
    ("text", "code", "says"), [pytest.param(*case[:3], id=case[3]) for case in RUNS]
)
def test_a_run_is_compared_with_its_baseline(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, says: str
) -> None:
    path = tmp_path / "known.txt"
    path.write_text(text + "\n", "utf-8")
    selected = ("--only", FAILS, "--only", PASSES)
    assert main(["run", "--target", tiny, *selected, "--baseline", str(path)]) == code
    assert says in capsys.readouterr().out


def test_a_baseline_that_was_written_is_met(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "known.txt"
    words = ["run", "--target", tiny, "--only", "core.head.cache-control*"]
    assert main(words) == 1
    assert main([*words, "--write-baseline", str(path)]) == 0
    assert f"written to {path}" in capsys.readouterr().out
    assert f"{FAILS} {ROW}" in path.read_text("utf-8").splitlines()
    assert main([*words, "--baseline", str(path)]) == 0
    assert "Known failures, listed in the baseline" in capsys.readouterr().out


def test_a_known_failure_does_not_end_a_run_with_fail_fast(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "known.txt"
    path.write_text(FAILURES + "\n", "utf-8")
    words = ["run", "--target", tiny, "--only", FAILS, "--only", PASSES, "--fail-fast"]
    assert main([*words, "--baseline", str(path)]) == 0
    assert "--fail-fast" not in capsys.readouterr().out
    assert main(words) == 1
    assert "--fail-fast" in capsys.readouterr().out


def test_a_server_that_goes_away_is_not_excused_by_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The failure that is known has occurred; what came after it could not be evaluated."""
    path = tmp_path / "known.txt"
    path.write_text(f"{FAILS} {ROW}\n", "utf-8")
    server, requests = MinimalServer(), iter(range(10_000))

    def ending(asked: ReceivedRequest) -> ScriptedAnswer:
        return server(asked) if next(requests) < 40 else CloseWithoutReply()

    with serve_in_thread(serve_answers(ending)) as url:
        chosen = ("--only", FAILS, "--only", "core.patch.*", "--timeout", "1")
        words = ["run", url, *chosen, "--baseline", str(path)]
        assert main(words) == 3
        assert main([*words, "--write-baseline", str(tmp_path / "new.txt")]) == 3
    assert not (tmp_path / "new.txt").exists()
    capsys.readouterr()
