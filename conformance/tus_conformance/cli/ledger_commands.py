"""`tus-conformance list` and `explain_id`: the ledger and the scenarios, to read."""

from __future__ import annotations

import argparse
import difflib
import sys
import textwrap
from collections.abc import Iterator

from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.invariants import invariants
from tus_scenarios import Requirement, Scenario, ledger, scenarios

WIDTH = 80


def list_ledger(options: argparse.Namespace) -> int:
    """Print every requirement as id, level and statement, or every scenario as id and title."""
    if options.scenarios:
        lines = [(scenario.id, scenario.title) for scenario in scenarios()]
        lines += [(invariant.id, invariant.title) for invariant in invariants()]
        _print("\n".join("\t".join(line) for line in lines))
        return exit_codes.CONFORMANT
    _print("\n".join("\t".join((row.id, row.level, row.statement)) for row in ledger().values()))
    return exit_codes.CONFORMANT


def explain_id(name: str) -> int:
    """Print what a scenario sends and accepts, or who checks a requirement; 2 for an unknown id."""
    known = {scenario.id: scenario for scenario in scenarios()}
    family = [scenario for scenario in known.values() if scenario.id.partition("/")[0] == name]
    if name in ledger():
        _print(_explain_requirement(ledger()[name]))
        return exit_codes.CONFORMANT
    if name in known or family:
        _print(_explain_scenario(known[name] if name in known else family[0], family))
        return exit_codes.CONFORMANT
    watched_invariant = next((each for each in invariants() if each.id == name), None)
    if watched_invariant is not None:
        title = _wrap(f"{watched_invariant.title}, in every exchange of a run.")
        _print(
            f"{watched_invariant.id}\n{title}\n\n{_describe_requirement(ledger()[watched_invariant.requirement])}"
        )
        return exit_codes.CONFORMANT
    close_matches = difflib.get_close_matches(name, [*ledger(), *known], n=3)
    hint = (
        f" Did you mean {' or '.join(close_matches)}?"
        if close_matches
        else " `tus-conformance list` names them."
    )
    print(f"tus-conformance: There is no scenario or requirement {name!r}.{hint}", file=sys.stderr)  # noqa: T201
    return exit_codes.USAGE


_ALWAYS_FAILURES = (
    "Whatever stands here, these are fails in any row: lost, mixed or doubled bytes; a 5xx that is"
    " not named, 501 apart; and a valid request whose connection closes unanswered."
)


def _explain_scenario(scenario: Scenario, family: list[Scenario]) -> str:
    parts = [scenario.id, _wrap(scenario.title)]
    if scenario.why:
        parts.append("\nWhy\n" + _wrap(scenario.why))
    if scenario.needs:
        parts.append("\nNeeds\n" + _wrap(", ".join(scenario.needs)))
    if scenario.lacks:
        parts.append("\nApplies only without\n" + _wrap(", ".join(scenario.lacks)))
    if len(family) > 1:
        labels = ", ".join(each.id.partition("/")[2] for each in family)
        parts.append("\nOne of the family\n" + _wrap(labels))
    parts.append("\nWhat it does\n" + "\n".join(_step_lines(scenario)))
    parts.append("\n" + _wrap(_ALWAYS_FAILURES))
    rows = [_describe_requirement(ledger()[requirement]) for requirement in scenario.requirements]
    parts.append("\nWhich sentences it checks\n" + "\n\n".join(rows))
    parts.append(f"\nRun it\n  tus-conformance run --target URL --only '{scenario.id}'")
    return "\n".join(parts)


def _step_lines(scenario: Scenario) -> Iterator[str]:
    """Yield the numbered steps, and below each what is expected of its answer."""
    number = 0
    for sentence in scenario.prose:
        if sentence.startswith(" "):
            yield _wrap(sentence.strip(), indent=5, hanging=2)
        else:
            number += 1
            yield _wrap(f"{number}. {sentence}", hanging=3)


def _explain_requirement(row: Requirement) -> str:
    checking = [scenario.id for scenario in scenarios() if row.id in scenario.requirements]
    checking += [each.id for each in invariants() if each.requirement == row.id]
    shown = "\n".join(f"  {name}" for name in checking) or "  none yet"
    if not checking and row.observable == "no":
        shown = "  none: it cannot be observed from outside"
    return f"{_describe_requirement(row)}\n\nChecked by\n{shown}"


def _describe_requirement(row: Requirement) -> str:
    lines = [
        f"  {row.id} ({row.level})",
        _wrap(row.statement),
        _wrap(f"{row.section}: {row.link}"),
    ]
    if row.ambiguity:
        lines.append(_wrap(f"Open to reading: {row.ambiguity}"))
    if row.why_not:
        extent = "in part" if row.observable == "partly" else "not at all"
        lines.append(_wrap(f"Observable {extent}: {row.why_not}"))
    return "\n".join(lines)


def _wrap(text: str, *, indent: int = 2, hanging: int = 0) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print(text: str) -> None:
    print(text)  # noqa: T201
