"""Invariants: what must hold in every exchange of a run, watched while the scenarios are told.

Each is reported as a scenario of its own. It keeps the first exchanges that broke it and says in
which scenario they happened, so that the scenario can be replayed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from tus_conformance.evaluation import verdict
from tus_conformance.state.step_response import StepResponse
from tus_conformance.targets.trace import LastExchanges
from tus_conformance.transport import HttpRequest
from tus_conformance.transport.header_values import is_integer, parse_concat, resolve_url
from tus_reports import Attempt, Check, Exchange, ScenarioResult
from tus_scenarios import Grade, Scenario, ledger

MAX_EVIDENCE = 5
"""How many broken exchanges an invariant keeps as evidence."""

SERVER_KEEPS_RUNNING = "always.server-keeps-running"

_HANDLER_STATUSES = {400, 409, 410, 412, 413, 415, 460}
"""Error statuses of the protocol's own handler; others may come from a router or a proxy."""


@dataclass(frozen=True)
class Observation:
    """One exchange as the invariants see it; `method` is the one that the override header names."""

    method: str
    http_request: HttpRequest
    reply: StepResponse

    @property
    def requires_version_header(self) -> bool:
        """Tell whether the answer is one that the rules on Tus-Resumable speak of."""
        both = {self.method, self.http_request.method}
        return both <= {"POST", "HEAD", "PATCH", "DELETE"} and self.reply.status is not None


@dataclass(frozen=True)
class InvariantResult:
    """What an invariant says of one exchange; of one that passes no words are shown."""

    grade: Grade
    expected: str = ""
    actual: str = ""
    damage: bool = False


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
        self.checked += 1
        if invariant_result.grade == "pass":
            return
        self.violations += 1
        if scenario.id not in self.scenario_ids:
            self.scenario_ids.append(scenario.id)
        worse = not any(check.grade == invariant_result.grade for check, _ in self.evidence)
        if len(self.evidence) < MAX_EVIDENCE or worse:
            self.evidence.append(
                (
                    self._check(invariant_result, observation),
                    observation.reply.http_response.exchange,
                )
            )

    def add_server_exit(
        self, where: Sequence[str], exit_description: str, exchanges: tuple[Exchange, ...]
    ) -> None:
        """Take note of a breach that no answer shows; `exchanges` came just before it."""
        self.violations += 1
        self.scenario_ids += [name for name in where if name not in self.scenario_ids]
        check = Check(
            requirement=self.requirement,
            outcome="violated",
            grade="warn",
            rule="server-exit",
            expected="the server goes on running, whatever clients do",
            actual=exit_description,
        )
        self.server_exits.append((check, exchanges))

    def _check(self, invariant_result: InvariantResult, observation: Observation) -> Check:
        response = observation.reply.http_response.exchange.response
        return Check(
            requirement=self.requirement,
            outcome="violated",
            grade=invariant_result.grade,
            expected=invariant_result.expected,
            actual=invariant_result.actual,
            evidence=response.head.rstrip() if response else "",
            exchange=len(self.evidence),
            rule="data-loss" if invariant_result.damage else "invariant",
        )

    def result(self, reproduce: Callable[[str], str]) -> ScenarioResult:
        """Return the invariant as a scenario of the record."""
        held = Check(requirement=self.requirement, outcome="held", grade="pass", rule="invariant")
        checks, exchanges = self._evidence()
        checks = checks or ((held,) if self.checked else ())
        attempt = Attempt(verdict=verdict.of_attempt(checks), checks=checks, exchanges=exchanges)
        row = ledger()[self.requirement]
        return ScenarioResult(
            id=self.id,
            title=self.title,
            verdict=attempt.verdict,
            section=row.section,
            extension=row.extension,
            reason=self._reason(),
            steps=("Look at every exchange of every scenario of the run.",),
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
            return "No exchange of this run was one that it speaks of."
        if not self.violations:
            return f"Held in {self.checked} exchanges."
        if self.server_exits:
            return f"Broken {self.violations} times in a run of {self.checked} exchanges."
        shown = ", ".join(self.scenario_ids[:3]) + (", ..." if len(self.scenario_ids) > 3 else "")
        return f"Broken in {self.violations} of {self.checked} exchanges, in: {shown}."


def _result(held: bool, violation_grade: Grade, expected: str, actual: str) -> InvariantResult:  # noqa: FBT001
    return InvariantResult("pass" if held else violation_grade, expected, actual)


def _check_format(
    name: str, held: Callable[[str, StepResponse], bool], expected: str
) -> InvariantCheck:
    def check(observation: Observation) -> InvariantResult | None:
        value = observation.reply.header(name)
        if value is None:
            return None
        return _result(held(value, observation.reply), "fail", expected, f"{name}: {value}")

    return check


def _check_version_on_success(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or not observation.reply.succeeded:
        return None
    return _version_present(observation, "fail")


def _check_version_on_errors(observation: Observation) -> InvariantResult | None:
    if not observation.requires_version_header or observation.reply.succeeded:
        return None
    # What is written by hand or breaks off is no whole HTTP, and may be refused before the tus
    # server sees it.
    malformed = observation.http_request.framing == "raw" or bool(
        observation.http_request.all_faults
    )
    before_the_handler = malformed and observation.reply.status == 400
    by_the_handler = observation.reply.status in _HANDLER_STATUSES and not before_the_handler
    return _version_present(observation, "fail" if by_the_handler else "warn")


def _version_present(observation: Observation, violation_grade: Grade) -> InvariantResult:
    held = observation.reply.header("Tus-Resumable") is not None
    actual = f"status {observation.reply.status}, no Tus-Resumable"
    return _result(held, violation_grade, "Tus-Resumable in the response", actual)


def _check_version_value(observation: Observation) -> InvariantResult | None:
    value = observation.reply.header("Tus-Resumable")
    asked = [
        sent for name, sent in observation.http_request.headers if name.lower() == "tus-resumable"
    ]
    if not observation.requires_version_header or value is None or asked != ["1.0.0"]:
        return None
    return _result(value == "1.0.0", "fail", "Tus-Resumable: 1.0.0", f"Tus-Resumable: {value}")


@dataclass
class _OffsetHistory:
    """What a server acknowledged of one upload: each higher offset, and when it was first told.

    Times are in seconds since the run began; what was asked before `since` is about another upload.
    """

    since: float = 0.0
    acknowledgements: list[tuple[int, float]] = field(default_factory=list)

    def highest_before(self, when: float) -> int:
        """Return the highest offset that had been told before a time."""
        return max((offset for offset, ended in self.acknowledgements if ended <= when), default=0)

    def acknowledge(self, offset: int, ended: float) -> None:
        """Take note of an offset, unless as much had been told by then."""
        if offset > self.highest_before(ended):
            self.acknowledgements.append((offset, ended))


class _OffsetTracker:
    """The lives of uploads by URL, whatever connection, scenario or branch speaks of them."""

    def __init__(self) -> None:
        self._histories: dict[str, _OffsetHistory] = {}

    def check_not_decreasing(self, observation: Observation) -> InvariantResult | None:
        """Look whether an offset went back after it had been acknowledged.

        Only a request that began after the answer with the higher offset was there can be blamed.
        """
        exchange = observation.reply.http_response.exchange
        ended = exchange.at + max((event.at for event in exchange.events), default=0.0)
        url = self._track_upload(observation, ended)
        value = observation.reply.header("Upload-Offset")
        if url is None or not observation.reply.succeeded or value is None or not is_integer(value):
            return None
        history = self._histories.setdefault(url, _OffsetHistory())
        if exchange.at < history.since:
            return None
        before = history.highest_before(exchange.at)
        history.acknowledge(int(value), ended)
        expected = f"Upload-Offset of at least {before}, which was acknowledged before"
        held = int(value) >= before
        return InvariantResult(
            "pass" if held else "fail", expected, f"Upload-Offset: {value}", damage=not held
        )

    def _track_upload(self, observation: Observation, ended: float) -> str | None:
        """Return the URL of the upload that an answer speaks of; its life may begin or end here."""
        upload = observation.reply.upload
        if observation.reply.succeeded and observation.method == "POST":
            location = resolve_url(
                observation.reply.header("Location") or "", observation.reply.url
            )
            if location is not None:
                self._histories[location] = _OffsetHistory(
                    observation.reply.http_response.exchange.at
                )
            return location
        if upload is None or observation.http_request.url != upload.url:
            return None
        if observation.reply.succeeded and observation.method == "DELETE":
            self._histories[upload.url] = _OffsetHistory(ended)
        return upload.url


def _check_within_length(observation: Observation) -> InvariantResult | None:
    offset, length = (
        observation.reply.header("Upload-Offset"),
        observation.reply.header("Upload-Length"),
    )
    if offset is None or length is None or not (is_integer(offset) and is_integer(length)):
        return None
    if int(offset) <= int(length):
        return InvariantResult("pass")
    actual = f"Upload-Offset: {offset}, Upload-Length: {length}"
    return InvariantResult("fail", "an offset that is not beyond the length", actual, damage=True)


def _is_concat_value(value: str, reply: StepResponse) -> bool:
    return parse_concat(value, reply.url) is not None


def _check_answered(observation: Observation) -> InvariantResult | None:
    if observation.reply.status is None:
        return None
    return InvariantResult("pass")


_NUMBER = "a non-negative integer, once"

_RULES: tuple[tuple[str, str, str, Callable[[], InvariantCheck]], ...] = (
    (
        "always.tus-resumable-on-success",
        "Every successful response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _check_version_on_success,
    ),
    (
        "always.tus-resumable-on-errors",
        "Every error response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _check_version_on_errors,
    ),
    (
        "always.tus-resumable-value",
        "Tus-Resumable states the version that the request was made in",
        "core.tus-resumable.response-value",
        lambda: _check_version_value,
    ),
    (
        "always.upload-offset-format",
        "Every Upload-Offset is a non-negative integer",
        "core.upload-offset.format",
        lambda: _check_format("Upload-Offset", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-length-format",
        "Every Upload-Length is a non-negative integer",
        "core.upload-length.format",
        lambda: _check_format("Upload-Length", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-defer-length-value",
        "Every Upload-Defer-Length is 1",
        "creation.defer-length.value",
        lambda: _check_format("Upload-Defer-Length", lambda value, _: value == "1", "the value 1"),
    ),
    (
        "always.upload-concat-format",
        "Every Upload-Concat is partial, or final with a list of URLs",
        "concatenation.header.response-format",
        lambda: _check_format("Upload-Concat", _is_concat_value, "partial, or final; with URLs"),
    ),
    (
        "always.offset-never-goes-back",
        "An offset, once acknowledged, never goes back",
        "core.head.offset-accurate",
        lambda: _OffsetTracker().check_not_decreasing,
    ),
    (
        SERVER_KEEPS_RUNNING,
        "The server goes on running, whatever clients do",
        "core.net.detect-errors",
        lambda: _check_answered,
    ),
    (
        "always.offset-within-length",
        "An offset is never beyond the length",
        "core.patch.exceeds-length",
        lambda: _check_within_length,
    ),
)
"""Id, title, requirement, and what makes the look of a run: some remember what they saw."""


def invariants() -> list[Invariant]:
    """Return every invariant, fresh for a run."""
    return [Invariant(name, title, row, make_check()) for name, title, row, make_check in _RULES]


class InvariantMonitor:
    """Every invariant of a run, told of each exchange."""

    def __init__(self) -> None:
        self.invariants = invariants()

    def record_server_exit(
        self, during: Sequence[str], exit_description: str, end: LastExchanges
    ) -> None:
        """Take note that the server's process ended in one of these scenarios, the last told.

        Before the first scenario it was discovery that the server ended in.
        """
        keeps_running = next(each for each in self.invariants if each.id == SERVER_KEEPS_RUNNING)
        place = " or ".join(during if len(during) > 1 else ("discovery", *during))
        told = f"{exit_description.rstrip('.')}; {end.summary}" if end.summary else exit_description
        keeps_running.add_server_exit(during, f"{told} (in {place})", end.exchanges)

    def observe(self, scenario: Scenario, http_request: HttpRequest, reply: StepResponse) -> None:
        """Look at one exchange with every invariant."""
        override = [
            value
            for name, value in http_request.headers
            if name.lower() == "x-http-method-override"
        ]
        method = override[0].upper() if override else http_request.method
        observation = Observation(method, http_request, reply)
        for invariant in self.invariants:
            invariant.observe_exchange(scenario, observation)
