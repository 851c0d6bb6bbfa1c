"""Invariants: a rule on every exchange of a run, with what it has seen so far.

Each is reported as a scenario of its own. It keeps the first exchanges that broke it, and names the
scenario in which they happened, so that the scenario can be run again for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.upload_history import UploadFacts
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport import HttpRequest
from tus_reports import Attempt, Check, DecidingRule, Exchange, ScenarioResult
from tus_reports.totals import pluralize
from tus_scenarios import Grade, Scenario, ledger

MAX_EVIDENCE = 5
"""How many broken exchanges an invariant keeps as evidence."""

SERVER_EXIT_REQUIREMENT = "http.server-keeps-running"
"""The requirement that a server breaks whose process ends."""


@dataclass(frozen=True)
class Observation:
    """One exchange as the invariants see it; `method` is the one that the override header names.

    `facts` are what the run knows of the upload at the URL of the request.
    """

    method: str
    http_request: HttpRequest
    reply: StepResponse
    facts: UploadFacts | None = None

    @property
    def effective_method(self) -> str | None:
        """Return the method that every server handles this request as; None where they differ.

        Servers differ on which requests can be overridden, on letter case, and on two overrides.
        """
        sent = [
            value
            for name, value in self.http_request.headers
            if name.lower() == "x-http-method-override"
        ]
        if not sent:
            return self.http_request.method
        clear = len(sent) == 1 and sent[0] in {"HEAD", "PATCH", "DELETE"}
        clear = clear and not self.reply.creates_upload
        return sent[0] if clear and self.http_request.method == "POST" else None

    @property
    def is_about_upload(self) -> bool:
        """Return whether the request went to the URL of an upload of the run."""
        upload = self.reply.upload
        known = upload is not None and upload.url == self.http_request.url
        return known or self.facts is not None

    @property
    def requires_version_header(self) -> bool:
        """Return whether the response is one that the rules on Tus-Resumable speak of."""
        both = {self.method, self.http_request.method}
        return both <= {"POST", "HEAD", "PATCH", "DELETE"} and self.reply.status is not None


@dataclass(frozen=True)
class InvariantResult:
    """What an invariant says of one exchange; of one that passes no words are shown."""

    grade: Grade
    expected: str = ""
    actual: str = ""
    rule: DecidingRule = "invariant"


def grade_rule(held: bool, grade: Grade, expected: str, actual: str) -> InvariantResult:  # noqa: FBT001
    """Return what an invariant says of an exchange: a pass, or this grade of a violation."""
    return InvariantResult("pass" if held else grade, expected, actual)


InvariantCheck = Callable[[Observation], InvariantResult | None]
"""Look at an exchange; return None where the invariant has nothing to say of it."""


@dataclass
class Invariant:
    """A rule on every exchange, with what it has seen so far."""

    id: str
    title: str
    requirement: str
    check_exchange: InvariantCheck
    checked: int = 0
    violations: int = 0
    evidence: list[tuple[Check, Exchange]] = field(default_factory=list)
    scenario_ids: list[str] = field(default_factory=list)
    server_exits: list[tuple[Check, tuple[Exchange, ...]]] = field(default_factory=list)

    def observe_exchange(self, scenario: Scenario, observation: Observation) -> None:
        """Look at one exchange of a scenario."""
        invariant_result = self.check_exchange(observation)
        if invariant_result is None:
            return
        if invariant_result.grade == "pass":
            self.checked += 1
        else:
            exchange = observation.reply.http_response.exchange
            self.add_violation(scenario, invariant_result, exchange)

    def add_violation(
        self, scenario: Scenario, invariant_result: InvariantResult, exchange: Exchange
    ) -> None:
        """Record an exchange of a scenario that broke the rule."""
        self.checked += 1
        self.violations += 1
        if scenario.id not in self.scenario_ids:
            self.scenario_ids.append(scenario.id)
        worse = not any(check.grade == invariant_result.grade for check, _ in self.evidence)
        if len(self.evidence) < MAX_EVIDENCE or worse:
            self.evidence.append((self._graded_check(invariant_result, exchange), exchange))

    def add_result(self, invariant_result: InvariantResult, exchange: Exchange | None) -> None:
        """Record what was seen before the first scenario."""
        self.checked += 1
        if invariant_result.grade != "pass" and exchange is not None:
            self.violations += 1
            self.evidence.append((self._graded_check(invariant_result, exchange), exchange))

    def add_server_exit(
        self, where: Sequence[str], exit_description: str, exchanges: tuple[Exchange, ...]
    ) -> None:
        """Record a violation that no response shows; `exchanges` came just before it."""
        self.violations += 1
        self.scenario_ids += [name for name in where if name not in self.scenario_ids]
        self.server_exits.append((server_exit_check(exit_description), exchanges))

    def _graded_check(self, invariant_result: InvariantResult, exchange: Exchange) -> Check:
        response = exchange.response
        return Check(
            requirement=self.requirement,
            outcome="violated",
            grade=invariant_result.grade,
            expected=invariant_result.expected,
            actual=invariant_result.actual,
            evidence=response.head.rstrip() if response else "",
            exchange=len(self.evidence),
            rule=invariant_result.rule,
        )

    def result(self, reproduce: Callable[[str], str]) -> ScenarioResult:
        """Return the invariant as a scenario of the record."""
        held = Check(requirement=self.requirement, outcome="held", grade="pass", rule="invariant")
        checks, exchanges = self._evidence()
        checks = checks or ((held,) if self.checked else ())
        attempt = Attempt(verdict=verdicts.of_attempt(checks), checks=checks, exchanges=exchanges)
        requirement = ledger()[self.requirement]
        return ScenarioResult(
            id=self.id,
            title=self.title,
            verdict=attempt.verdict,
            section=requirement.section,
            extension=requirement.extension,
            reason=self._reason(),
            steps=("Check every exchange of every scenario of the run.",),
            requirements=(self.requirement,),
            attempts=(attempt,),
            command=reproduce(self.scenario_ids[0]) if self.scenario_ids else "",
        )

    def _evidence(self) -> tuple[tuple[Check, ...], tuple[Exchange, ...]]:
        """Return the checks that did not pass, and the exchanges that they point at."""
        checks = [check for check, _ in self.evidence]
        exchanges = [exchange for _, exchange in self.evidence]
        for check, before in self.server_exits[:MAX_EVIDENCE]:
            place = len(exchanges) if before else None
            checks.append(structs.replace(check, exchange=place))
            exchanges += before
        return tuple(checks), tuple(exchanges)

    def _reason(self) -> str:
        if not self.checked:
            return "It applies to no exchange of this run."
        checked = pluralize(self.checked, "exchange")
        if not self.scenario_ids and self.violations and not self.server_exits:
            return "Seen before the first scenario."
        if not self.violations:
            return f"Held in {checked}."
        if self.server_exits:
            ended = len(self.server_exits)
            times = "once" if ended == 1 else f"{ended} times"
            return f"The server ended {times} in {checked}."
        shown = ", ".join(self.scenario_ids[:3]) + (", ..." if len(self.scenario_ids) > 3 else "")
        return f"Violated in {self.violations} of {checked}, in: {shown}."


def server_exit_check(exit_description: str) -> Check:
    """Return the check that the server ended, which loses the requests of every client."""
    return Check(
        requirement=SERVER_EXIT_REQUIREMENT,
        outcome="violated",
        grade="fail",
        rule="server-exit",
        expected="the server keeps running, whatever clients send",
        actual=exit_description,
    )
