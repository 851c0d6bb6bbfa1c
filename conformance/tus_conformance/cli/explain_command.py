"""`tus-conformance explain`: a scenario, a situation or a requirement as prose."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Iterator

from tus_conformance.cli.command_parser import suggest
from tus_conformance.cli.output import print_line, usage_error
from tus_conformance.clients.client_checks import client_checks
from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.invariants import invariants
from tus_scenarios import Requirement, Scenario, ledger, scenarios
from tus_scenarios.situation import OUTCOME_SENTENCES, Situation
from tus_scenarios.situation_registry import situations

WIDTH = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `explain`."""
    parser.add_argument("id", metavar="ID", help="the id of a scenario, situation or requirement")


def run(options: argparse.Namespace) -> int:
    """Print a scenario, or what checks a requirement; return 2 for an unknown id."""
    name: str = options.id
    known = {scenario.id: scenario for scenario in scenarios()}
    family = [scenario for scenario in known.values() if scenario.id.partition("/")[0] == name]
    if name in ledger():
        print_line(_explain_requirement(ledger()[name]))
        return exit_codes.CONFORMANT
    if name in known or family:
        print_line(_explain_scenario(known[name] if name in known else family[0], family))
        return exit_codes.CONFORMANT
    watched_invariant = next((each for each in invariants() if each.id == name), None)
    if watched_invariant is not None:
        title = _wrap(f"{watched_invariant.title}, in every exchange of a run.")
        requirement = _describe_requirement(ledger()[watched_invariant.requirement])
        print_line(f"{watched_invariant.id}\n{title}\n\n{requirement}")
        return exit_codes.CONFORMANT
    situation = next((each for each in situations() if _is_or_begins(each.id, name)), None)
    if situation is not None:
        print_line(_explain_situation(situation, name))
        return exit_codes.CONFORMANT
    ids = [*ledger(), *known, *(each.id for each in invariants())]
    hint = suggest(
        name,
        [*ids, *(each.id for each in situations())],
        closing=". `tus-conformance list` names the requirements.",
    )
    return usage_error(f"{name!r} is not a scenario, situation or requirement{hint}")


_ALWAYS_FAILURES = (
    "These are failures in every scenario: lost, mixed or doubled bytes; a 5xx other than 501 that"
    " is not named; and a valid request whose connection closes without a response."
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
        parts.append("\nVariants\n" + _wrap(labels))
    parts.append("\nWhat it does\n" + "\n".join(_step_lines(scenario)))
    parts.append("\n" + _wrap(_ALWAYS_FAILURES))
    rows = [_describe_requirement(ledger()[requirement]) for requirement in scenario.requirements]
    parts.append("\nRequirements it checks\n" + "\n\n".join(rows))
    parts.append(f"\nRun it\n  tus-conformance run --target URL --only '{scenario.id}'")
    return "\n".join(parts)


def _is_or_begins(situation: str, name: str) -> bool:
    return name in {situation, situation.partition("/")[0]}


def _explain_situation(situation: Situation, name: str) -> str:
    family = [each.id for each in situations() if _is_or_begins(each.id, name)]
    parts = [situation.id, _wrap(situation.title)]
    if situation.why:
        parts.append("\nWhy\n" + _wrap(situation.why))
    if len(family) > 1:
        labels = ", ".join(each.partition("/")[2] for each in family)
        parts.append("\nVariants\n" + _wrap(labels))
    parts.append("\nWhat happens\n" + "\n".join(_sentence_lines(situation.prose)))
    others = [
        f"{situation.grade_of(outcome)[0]}: {sentence}"
        for outcome, sentence in OUTCOME_SENTENCES.items()
        if outcome not in {each.outcome for each in situation.outcomes}
    ]
    parts.append("\nOther outcomes\n" + "\n".join(_wrap(each, hanging=2) for each in others))
    rows = [_describe_requirement(ledger()[requirement]) for requirement in situation.checks]
    parts.append("\nRequirements that its outcome decides about\n" + "\n\n".join(rows))
    parts.append(f"\nRun it\n  tus-conformance clients --run COMMAND --only '{situation.id}'")
    return "\n".join(parts)


def _step_lines(scenario: Scenario) -> Iterator[str]:
    """Yield the numbered steps, and below each what is expected of its response."""
    yield from _sentence_lines(scenario.prose)


def _sentence_lines(sentences: Iterable[str]) -> Iterator[str]:
    """Yield sentences by number; indented ones belong to the one above."""
    number = 0
    for sentence in sentences:
        if sentence.startswith(" "):
            yield _wrap(sentence.strip(), indent=5, hanging=2)
        else:
            number += 1
            yield _wrap(f"{number}. {sentence}", hanging=3)


def _explain_requirement(row: Requirement) -> str:
    checking = [scenario.id for scenario in scenarios() if row.id in scenario.requirements]
    checking += [each.id for each in invariants() if each.requirement == row.id]
    checking += [name for checked, name in client_checks() if checked == row.id]
    shown = "\n".join(f"  {name}" for name in checking) or "  none of its own"
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
        lines.append(_wrap(f"Ambiguity: {row.ambiguity}"))
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
