"""`tus-conformance coverage`: which scenarios exercise each row, and if the ledger is whole."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from tus_conformance.cli.output import print_line, usage_error
from tus_conformance.clients.client_checks import client_checks
from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.cell_coverage import CellCoverage, compute_cells
from tus_conformance.runner.coverage import Coverage, CoveredRequirement, compute_coverage
from tus_scenarios import ScenarioError, ledger, scenarios
from tus_scenarios.spec_sentences import (
    KeywordSentence,
    LedgerComparison,
    compare_sentences,
    find_sentences,
    read_recorded_sentences,
)

_STATE_TEXT = {
    "missing": "NONE",
    "aggregate": "the sum of the other rows of the core protocol",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `coverage`."""
    parser.add_argument(
        "--spec-text",
        type=Path,
        metavar="FILE",
        help="the specification in Markdown, to compare the ledger with",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table; return 0 where every observable row is exercised, 1 where one is not.

    With the text of the specification, its sentences must agree with the ledger besides.
    """
    spec: Path | None = options.spec_text
    try:
        text = None if spec is None else spec.read_text("utf-8")
        found_coverage = compute_coverage(ledger(), scenarios(), invariants(), client_checks())
    except ScenarioError as wrong:
        return usage_error(str(wrong))
    except OSError as error:
        return usage_error(f"The specification {spec} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        return usage_error(f"The specification {spec} is not UTF-8 text.")
    matching = (
        None
        if text is None
        else compare_sentences(find_sentences(text), read_recorded_sentences(), ledger())
    )
    print_line(coverage_table(found_coverage, matching, compute_cells(scenarios(), invariants())))
    whole = found_coverage.complete and (matching is None or matching.agrees)
    return exit_codes.CONFORMANT if whole else exit_codes.FAILED


def coverage_table(
    found_coverage: Coverage,
    matching: LedgerComparison | None = None,
    cells: CellCoverage | None = None,
) -> str:
    """Return the table as text: row, level, scenarios; the total is the last line."""
    lines = _columns([_row_cells(each) for each in found_coverage.observable])
    hidden = [
        each.requirement for each in found_coverage.requirements if each.state == "unobservable"
    ]
    if hidden:
        lines += ["", "Cannot be observed from outside:"]
        lines += _columns([(row.id, row.level, row.why_not) for row in hidden])
    for row, name in found_coverage.unknown_requirements:
        lines.append(f"{name} checks {row!r}, which is not in the ledger.")
    if matching is not None:
        lines += ["", *_sentence_lines(matching)]
    if cells is not None:
        lines += ["", *cells.lines()]
    return "\n".join([*lines, "", *_side_lines(found_coverage), _total_line(found_coverage)])


def _side_lines(found_coverage: Coverage) -> Iterator[str]:
    """Yield a line for servers and one for clients, where there are rows of both."""
    sides = sorted({each.requirement.side for each in found_coverage.requirements}, reverse=True)
    for side in sides if len(sides) > 1 else ():
        rows = [each for each in found_coverage.requirements if each.requirement.side == side]
        observable = [each for each in rows if each.state != "unobservable"]
        exercised = [each for each in observable if each.state != "missing"]
        yield (
            f"{side}s: {len(exercised)} of {len(observable)} observable rows are exercised;"
            f" {len(rows) - len(observable)} cannot be observed"
        )


def _row_cells(each: CoveredRequirement) -> tuple[str, str, str]:
    shown = ", ".join(each.families) or _STATE_TEXT.get(each.state, "")
    return each.requirement.id, each.requirement.level, shown


def _columns(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    return [f"{row[0]:<{first}}  {row[1]:<{second}}  {row[2]}" for row in rows]


def _total_line(found_coverage: Coverage) -> str:
    every, lacking = len(found_coverage.observable), len(found_coverage.missing)
    share = 100 * (every - lacking) // every
    families = {
        name.partition("/")[0] for each in found_coverage.requirements for name in each.scenarios
    }
    count = len({name for each in found_coverage.requirements for name in each.scenarios})
    return (
        f"{every - lacking} of {every} observable rows are exercised: {share} %,"
        f" by {count} scenarios and situations in {len(families)} families"
    )


def _sentence_lines(matching: LedgerComparison) -> Iterator[str]:
    yield f"{matching.matched} sentences with a keyword are the ones that the ledger was made of."
    differences: tuple[tuple[str, tuple[KeywordSentence, ...]], ...] = (
        ("new, without a row", matching.added),
        ("changed", matching.changed),
        ("moved here", matching.moved),
        ("gone", matching.removed),
        ("without a row", matching.without_requirement),
    )
    for what, sentences in differences:
        for each in sentences:
            rows = f" (rows: {', '.join(each.requirement_ids)})" if each.requirement_ids else ""
            yield f"{what}: {each.name}{': ' if each.text else ''}{each.text}{rows}"
    for row in matching.unreferenced_requirements:
        yield f"row without a sentence: {row}"
    for row in matching.unknown_requirements:
        yield f"no row of the ledger: {row}"
