"""`tus-conformance coverage`: which scenarios exercise each row, and if the ledger is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tus_conformance.judging import verdict
from tus_conformance.judging.invariants import invariants
from tus_conformance.running.coverage import Coverage, Covered, coverage
from tus_scenarios import ScenarioError, ledger, scenarios
from tus_scenarios.sentences import Matching, Sentence, found, match, recorded

_INSTEAD = {
    "missing": "NONE",
    "aggregate": "the sum of the other rows of the core protocol",
}


def cover(spec: Path | None) -> int:
    """Print the table; return 0 where every observable row is exercised, 1 where one is not.

    With the text of the specification, its sentences must agree with the ledger besides.
    """
    try:
        text = None if spec is None else spec.read_text("utf-8")
        covered = coverage(ledger(), scenarios(), invariants())
    except ScenarioError as wrong:
        return _refuse(str(wrong))
    except OSError as error:
        return _refuse(f"The specification {spec} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        return _refuse(f"The specification {spec} is not UTF-8 text.")
    matching = None if text is None else match(found(text), recorded(), ledger())
    _print(table(covered, matching))
    whole = covered.complete and (matching is None or matching.agrees)
    return verdict.CONFORMANT if whole else verdict.FAILED


def table(covered: Coverage, matching: Matching | None = None) -> str:
    """Return the table as text: row, level, scenarios; the total is the last line."""
    lines = _columns([_cells(each) for each in covered.observable])
    hidden = [each.row for each in covered.rows if each.state == "unobservable"]
    if hidden:
        lines += ["", "Cannot be observed from outside:"]
        lines += _columns([(row.id, row.level, row.why_not) for row in hidden])
    for row, name in covered.strangers:
        lines.append(f"{name} checks {row!r}, which is no row of the ledger.")
    if matching is not None:
        lines += ["", *_sentences(matching)]
    return "\n".join([*lines, "", _total(covered)])


def _cells(each: Covered) -> tuple[str, str, str]:
    shown = ", ".join(each.families) or _INSTEAD.get(each.state, "")
    return each.row.id, each.row.level, shown


def _columns(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    return [f"{row[0]:<{first}}  {row[1]:<{second}}  {row[2]}" for row in rows]


def _total(covered: Coverage) -> str:
    every, lacking = len(covered.observable), len(covered.missing)
    share = 100 * (every - lacking) // every
    told = {name.partition("/")[0] for each in covered.rows for name in each.scenarios}
    count = len({name for each in covered.rows for name in each.scenarios})
    return (
        f"{every - lacking} of {every} observable rows are exercised: {share} %,"
        f" by {count} scenarios in {len(told)} families"
    )


def _sentences(matching: Matching) -> Iterator[str]:
    yield f"{matching.matched} sentences with a keyword are the ones that the ledger was made of."
    amiss: tuple[tuple[str, tuple[Sentence, ...]], ...] = (
        ("new, without a row", matching.unknown),
        ("changed", matching.changed),
        ("moved here", matching.moved),
        ("gone", matching.gone),
        ("without a row", matching.rowless),
    )
    for what, sentences in amiss:
        for each in sentences:
            rows = f" (rows: {', '.join(each.rows)})" if each.rows else ""
            yield f"{what}: {each.name}{': ' if each.text else ''}{each.text}{rows}"
    for row in matching.orphans:
        yield f"row without a sentence: {row}"
    for row in matching.strangers:
        yield f"no row of the ledger: {row}"


def _refuse(sentence: str) -> int:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
    return verdict.USAGE


def _print(text: str) -> None:
    print(text)  # noqa: T201
