"""`compare`: what regressed between two runs, what was fixed, and what is no longer known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest

from tus_reports import Counts, Footer, Record, RequirementResult, Verdict
from tus_reports.compare import MixedEditionsError, compare, compare_stability
from tus_reports.comparison_views import (
    comparison_markdown,
    comparison_text,
    stability_html,
    stability_markdown,
    stability_text,
)

Golden = Callable[[str, str], None]


def make_run(sample: Record, verdicts: Sequence[Verdict | None]) -> Record:
    """Make a run whose requirements r0, r1, ... came out so; None is one that it does not have."""
    rows = tuple(
        RequirementResult(
            id=f"r{place}",
            level="MUST",
            section="Core",
            extension="core",
            statement="A statement.",
            verdict=verdict,
            scenarios=(),
        )
        for place, verdict in enumerate(verdicts)
        if verdict is not None
    )
    footer = Footer(counts=Counts(scenarios={}, requirements={}), exit_code=0)
    return replace(sample, scenarios=(), requirements=rows, footer=footer)


@pytest.mark.parametrize(
    ("before", "after", "kind", "exit_code"),
    [
        pytest.param("pass", "pass", None, 0, id="as before"),
        pytest.param("fail", "fail", None, 0, id="failing as before"),
        pytest.param("pass", "fail", "regressed", 1, id="newly failing"),
        pytest.param("unsupported", "fail", "regressed", 1, id="offered now, and failing"),
        pytest.param(None, "fail", "regressed", 1, id="new and failing"),
        pytest.param("fail", "pass", "fixed", 0, id="fixed"),
        pytest.param("fail", "warn", "fixed", 0, id="fixed but for a warning"),
        pytest.param("fail", "blocked", "unclear", 3, id="failed, now blocked"),
        pytest.param("fail", "excluded", "unclear", 0, id="failed, now excluded"),
        pytest.param("fail", "unsupported", "unclear", 0, id="failed, now not offered"),
        pytest.param("fail", None, "unclear", 0, id="failed, now gone"),
        pytest.param("pass", "inconclusive", "unclear", 3, id="held, now inconclusive"),
        pytest.param("pass", "warn", "changed", 0, id="held, now with a warning"),
        pytest.param("blocked", "pass", "changed", 0, id="blocked, now held"),
        pytest.param(None, "pass", "added", 0, id="new"),
        pytest.param("pass", None, "removed", 0, id="gone"),
    ],
)
def test_kinds(
    before: Verdict | None,
    after: Verdict | None,
    kind: str | None,
    exit_code: int,
    sample: Record,
) -> None:
    """A change is of the kind its two verdicts make it; only a new fail is a regression."""
    found = compare(make_run(sample, [before]), make_run(sample, [after]))
    assert [change.kind for change in found.changes] == ([kind] if kind else [])
    assert found.exit_code == exit_code


def test_a_note_that_says_something_else(sample: Record) -> None:
    """The same verdict with another finding is told, and is no regression."""
    whole = tuple(each for each in sample.scenarios if each.verdict != "error")
    sample = replace(sample, scenarios=whole)
    place = next(at for at, each in enumerate(sample.scenarios) if each.verdict == "note")
    noted = sample.scenarios[place]
    check = msgspec.structs.replace(noted.attempts[0].checks[0], explanation="the body is stored")
    other = msgspec.structs.replace(
        noted, attempts=(msgspec.structs.replace(noted.attempts[0], checks=(check,)),)
    )
    scenarios = (*sample.scenarios[:place], other, *sample.scenarios[place + 1 :])
    found = compare(sample, replace(sample, scenarios=scenarios))
    assert [(each.kind, each.detail) for each in found.changes] == [("noted", "the body is stored")]
    assert found.exit_code == 0


def test_golden(sample: Record, golden: Golden) -> None:
    """The texts of a comparison with every kind of change are the stored ones."""
    old = make_run(sample, ["pass", "fail", "fail", "pass", "pass", None])
    new = make_run(sample, ["fail", "pass", "blocked", "warn", None, "pass"])
    found = compare(replace(old, scenarios=sample.scenarios[:3]), new)
    golden("compare.txt", comparison_text(found))
    golden("compare.md", comparison_markdown(found))


def test_the_text_is_for_a_terminal(sample: Record) -> None:
    """No line is wider than 80 columns."""
    text = comparison_text(compare(replace(sample, requirements=(), scenarios=()), sample))
    assert "Expected status 409; got status 204" in text
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_a_violated_requirement_says_what_was_found(sample: Record) -> None:
    """A newly failing requirement comes with what was expected and what came."""
    found = compare(replace(sample, requirements=(), scenarios=()), sample)
    said = {change.id: change.detail for change in found.of_kind("regressed")}
    assert said["core.patch.offset-mismatch-409"] == "Expected status 409; got status 204"


def test_nothing_changed(sample: Record) -> None:
    """A run compared with itself has no changes."""
    found = compare(sample, sample)
    assert found.changes == ()
    assert comparison_text(found).startswith("Nothing changed.")


def test_a_run_cut_short_is_no_success(sample: Record) -> None:
    """What the new run did not come to cannot be called unchanged."""
    assert compare(sample, replace(sample, footer=None)).exit_code == 3


@pytest.mark.parametrize(
    ("exit_code", "verdict", "error", "expected"),
    [
        (0, "pass", "", 0),
        (3, "inconclusive", "", 0),
        (3, "error", "", 3),
        (3, "pass", "The server has ended.", 3),
        (130, "pass", "", 3),
    ],
)
def test_two_runs_that_crashed_alike_prove_nothing(
    exit_code: int, verdict: Verdict, error: str, expected: int, sample: Record
) -> None:
    """Nothing changed between them, but 3 does not become 0."""
    assert sample.footer is not None
    scenario = msgspec.structs.replace(sample.scenarios[0], verdict=verdict)
    footer = msgspec.structs.replace(sample.footer, exit_code=exit_code, error=error)
    run = replace(sample, scenarios=(scenario,), requirements=(), footer=footer)
    found = compare(run, run)
    assert found.changes == ()
    assert found.exit_code == expected


def test_editions_are_not_mixed(sample: Record) -> None:
    """Runs by different editions of the specification are not comparable."""
    header = msgspec.structs.replace(sample.header, spec_edition="tus 2.0.0")
    with pytest.raises(MixedEditionsError, match=r"tus 1\.0\.0 .*tus 2\.0\.0"):
        compare(sample, replace(sample, header=header))


def test_stability(sample: Record) -> None:
    """Over several runs a scenario is steady if it has the same verdict wherever it was told."""
    first, second, *others = sample.scenarios
    changed = msgspec.structs.replace(first, verdict="fail")
    runs = [sample, replace(sample, scenarios=(changed, *others)), sample]
    found = compare_stability(runs)
    assert [each.id for each in found if not each.is_stable] == [first.id]
    assert next(each for each in found if each.id == second.id).verdicts == ("fail", None, "fail")
    assert stability_text(found).splitlines() == [
        f"1 scenario of {len(sample.scenarios)} not stable over 3 runs.",
        f"  {first.id}",
        "    ok, FAIL, ok",
    ]
    assert f"| `{first.id}` | ok | FAIL | ok |" in stability_markdown(found)
    page = stability_html(found, runs)
    assert page.count('<th scope="row">') == 1
    assert f"<code>{first.id}</code>" in page
    calm = stability_html(compare_stability([sample] * 3), [sample] * 3)
    assert f"Every one of {len(sample.scenarios)} scenarios has the same verdict" in calm


def test_a_partial_run_is_compared_in_what_both_have(sample: Record) -> None:
    """What --only left out of one run is neither removed nor undetermined."""
    failing = next(each for each in sample.scenarios if each.verdict == "fail")
    partial = replace(
        sample,
        scenarios=tuple(
            each
            if each is failing
            else msgspec.structs.replace(each, verdict="excluded", attempts=(), is_selected=False)
            for each in sample.scenarios
        ),
        requirements=tuple(
            msgspec.structs.replace(row, scenarios=(failing.id,))
            for row in sample.requirements
            if failing.id in row.scenarios
        ),
    )
    for found in (compare(sample, partial), compare(partial, sample)):
        assert found.changes == ()
        assert "Only what both runs selected was compared: 1 of" in found.sentence
    fixed = msgspec.structs.replace(failing, verdict="pass", attempts=())
    better = replace(
        partial,
        scenarios=tuple(fixed if each is failing else each for each in partial.scenarios),
    )
    assert [change.kind for change in compare(better, sample).changes] == ["regressed"]
    assert compare(better, sample).exit_code == 1
