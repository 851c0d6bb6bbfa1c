"""The checks of a situation: its outcome, and the rules on everything that the client did."""

from __future__ import annotations

from tus_conformance.clients.client_rule import ClientRule, ClientView
from tus_conformance.clients.core_rules import CORE_RULES
from tus_conformance.clients.creation_rules import CREATION_RULES
from tus_conformance.clients.extension_rules import EXTENSION_RULES
from tus_reports import Check
from tus_scenarios.server_rule import Outcome
from tus_scenarios.situation import OUTCOME_SENTENCES
from tus_scenarios.situation_registry import situations

OUTCOME_REQUIREMENT = "client.core.implemented"
"""The requirement that an outcome is charged to where the situation names none."""

CLIENT_RULES: tuple[ClientRule, ...] = (*CORE_RULES, *CREATION_RULES, *EXTENSION_RULES)


def client_checks() -> list[tuple[str, str]]:
    """Return each requirement of clients with the situations and rules that check it."""
    found = [(row, each.id) for each in situations() for row in each.checks]
    return found + [(rule.requirement, "rule on every request") for rule in CLIENT_RULES]


def check_client(view: ClientView) -> list[Check]:
    """Return every check of a situation."""
    checks = outcome_checks(view)
    for unreadable in view.log.unreadable:
        checks.append(
            Check(
                requirement=OUTCOME_REQUIREMENT,
                outcome="violated",
                grade="fail",
                expected="requests in HTTP/1.1",
                actual=unreadable,
                rule="invariant",
            )
        )
    for rule in CLIENT_RULES:
        checks += rule.checks(view)
    return checks


def outcome_checks(view: ClientView) -> list[Check]:
    """Return a check of the outcome for each requirement that the situation is about."""
    found = view.outcome
    grade, why = view.situation.grade_of(found.outcome, misled=view.log.misled)
    if found.undecided:
        grade, why = "note", "It may need more time than the situation lasts."
    if found.outcome == "reported" and not view.came_to_every_rule():
        grade, why = "note", "It gave up before it came to what the situation is about."
    right = [each for each in view.situation.outcomes if each.grade == "pass"]
    expected = " or ".join(
        dict.fromkeys(_clause(name) for name in ("whole", *(each.outcome for each in right)))
    )
    last = len(view.log.requests) - 1
    return [
        Check(
            requirement=requirement,
            outcome="held" if grade == "pass" else "violated",
            grade=grade,
            expected=expected,
            actual=f"{OUTCOME_SENTENCES[found.outcome]} {found.because}".rstrip("."),
            explanation=why,
            exchange=last if last >= 0 else None,
            rule="data-loss" if found.outcome == "damaged" else "expectation",
        )
        for requirement in view.situation.checks or (OUTCOME_REQUIREMENT,)
    ]


def _clause(outcome: Outcome) -> str:
    """Return the sentence of an outcome as a part of another one."""
    sentence = OUTCOME_SENTENCES[outcome].rstrip(".")
    return sentence[0].lower() + sentence[1:]
