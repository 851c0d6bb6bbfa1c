"""Invariants: what must hold in every exchange of a run, watched while the scenarios are told.

Each is reported as a scenario of its own. It keeps the first exchanges that broke it and says in
which scenario they happened, so that the scenario can be replayed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from tus_conformance.dialogue.headers import concat, is_integer, resolved
from tus_conformance.dialogue.reply import Reply
from tus_conformance.judging import verdict
from tus_conformance.target.trace import End
from tus_conformance.wire import Outgoing
from tus_reports import Attempt, Check, Exchange
from tus_reports import Scenario as Told
from tus_scenarios import Grade, Scenario, ledger

KEPT = 5
"""How many broken exchanges an invariant keeps as evidence."""

KEEPS_RUNNING = "always.server-keeps-running"

_BY_THE_HANDLER = {400, 409, 410, 412, 413, 415, 460}
"""Error statuses of the protocol's own handler; others may come from a router or a proxy."""


@dataclass(frozen=True)
class Sight:
    """One exchange as the invariants see it; `method` is the one that the override header names."""

    method: str
    outgoing: Outgoing
    reply: Reply

    @property
    def versioned(self) -> bool:
        """Tell whether the answer is one that the rules on Tus-Resumable speak of."""
        both = {self.method, self.outgoing.method}
        return both <= {"POST", "HEAD", "PATCH", "DELETE"} and self.reply.status is not None


@dataclass(frozen=True)
class Finding:
    """What an invariant says of one exchange; of one that passes no words are shown."""

    grade: Grade
    expected: str = ""
    actual: str = ""
    damage: bool = False


Look = Callable[[Sight], Finding | None]
"""Look at an exchange; return None where the invariant has nothing to say of it."""


@dataclass
class Invariant:
    """A rule on every exchange, with what it has seen so far."""

    id: str
    title: str
    requirement: str
    look: Look
    seen: int = 0
    broken: int = 0
    kept: list[tuple[Check, Exchange]] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    falls: list[tuple[Check, tuple[Exchange, ...]]] = field(default_factory=list)

    def watch(self, scenario: Scenario, sight: Sight) -> None:
        """Look at one exchange of a scenario."""
        finding = self.look(sight)
        if finding is None:
            return
        self.seen += 1
        if finding.grade == "pass":
            return
        self.broken += 1
        if scenario.id not in self.where:
            self.where.append(scenario.id)
        worse = not any(check.grade == finding.grade for check, _ in self.kept)
        if len(self.kept) < KEPT or worse:
            self.kept.append((self._check(finding, sight), sight.reply.answer.exchange))

    def broke(self, where: Sequence[str], how: str, exchanges: tuple[Exchange, ...]) -> None:
        """Take note of a breach that no answer shows; `exchanges` came just before it."""
        self.broken += 1
        self.where += [name for name in where if name not in self.where]
        check = Check(
            requirement=self.requirement,
            outcome="violated",
            grade="warn",
            expected="the server goes on running, whatever clients do",
            actual=how,
        )
        self.falls.append((check, exchanges))

    def _check(self, finding: Finding, sight: Sight) -> Check:
        response = sight.reply.answer.exchange.response
        return Check(
            requirement=self.requirement,
            outcome="violated",
            grade=finding.grade,
            expected=finding.expected,
            actual=finding.actual,
            evidence=response.head.rstrip() if response else "",
            exchange=len(self.kept),
            damage=finding.damage,
        )

    def told(self, reproduce: Callable[[str], str]) -> Told:
        """Return the invariant as a scenario of the record."""
        held = Check(requirement=self.requirement, outcome="held", grade="pass")
        checks, exchanges = self._evidence()
        checks = checks or ((held,) if self.seen else ())
        attempt = Attempt(verdict=verdict.of_attempt(checks), checks=checks, exchanges=exchanges)
        row = ledger()[self.requirement]
        return Told(
            id=self.id,
            title=self.title,
            verdict=attempt.verdict,
            section=row.section,
            extension=row.extension,
            reason=self._reason(),
            steps=("Look at every exchange of every scenario of the run.",),
            requirements=(self.requirement,),
            attempts=(attempt,),
            reproduce=reproduce(self.where[0]) if self.where else "",
        )

    def _evidence(self) -> tuple[tuple[Check, ...], tuple[Exchange, ...]]:
        """Return the checks that did not pass, and the exchanges that they point at."""
        checks = [check for check, _ in self.kept]
        exchanges = [exchange for _, exchange in self.kept]
        for check, before in self.falls[:KEPT]:
            place = len(exchanges) if before else None
            checks.append(structs.replace(check, exchange=place))
            exchanges += before
        return tuple(checks), tuple(exchanges)

    def _reason(self) -> str:
        if not self.seen:
            return "No exchange of this run was one that it speaks of."
        if not self.broken:
            return f"Held in {self.seen} exchanges."
        if self.falls:
            return f"Broken {self.broken} times in a run of {self.seen} exchanges."
        shown = ", ".join(self.where[:3]) + (", ..." if len(self.where) > 3 else "")
        return f"Broken in {self.broken} of {self.seen} exchanges, in: {shown}."


def _says(held: bool, otherwise: Grade, expected: str, actual: str) -> Finding:  # noqa: FBT001
    return Finding("pass" if held else otherwise, expected, actual)


def _well_formed(name: str, held: Callable[[str, Reply], bool], expected: str) -> Look:
    def look(sight: Sight) -> Finding | None:
        value = sight.reply.header(name)
        if value is None:
            return None
        return _says(held(value, sight.reply), "fail", expected, f"{name}: {value}")

    return look


def _present_on_success(sight: Sight) -> Finding | None:
    if not sight.versioned or not sight.reply.succeeded:
        return None
    return _present(sight, "fail")


def _present_on_errors(sight: Sight) -> Finding | None:
    if not sight.versioned or sight.reply.succeeded:
        return None
    # What is written by hand or breaks off is no whole HTTP, and may be refused before the tus
    # server sees it.
    unwhole = sight.outgoing.framing == "raw" or bool(sight.outgoing.plan)
    beneath = unwhole and sight.reply.status == 400
    by_the_handler = sight.reply.status in _BY_THE_HANDLER and not beneath
    return _present(sight, "fail" if by_the_handler else "warn")


def _present(sight: Sight, otherwise: Grade) -> Finding:
    held = sight.reply.header("Tus-Resumable") is not None
    actual = f"status {sight.reply.status}, no Tus-Resumable"
    return _says(held, otherwise, "Tus-Resumable in the response", actual)


def _version_spoken(sight: Sight) -> Finding | None:
    value = sight.reply.header("Tus-Resumable")
    asked = [sent for name, sent in sight.outgoing.headers if name.lower() == "tus-resumable"]
    if not sight.versioned or value is None or asked != ["1.0.0"]:
        return None
    return _says(value == "1.0.0", "fail", "Tus-Resumable: 1.0.0", f"Tus-Resumable: {value}")


@dataclass
class _Life:
    """What a server acknowledged of one upload: each higher offset, and when it was first told.

    Times are in seconds since the run began; what was asked before `since` is about another upload.
    """

    since: float = 0.0
    told: list[tuple[int, float]] = field(default_factory=list)

    def acknowledged(self, when: float) -> int:
        """Return the highest offset that had been told before a time."""
        return max((offset for offset, ended in self.told if ended <= when), default=0)

    def tell(self, offset: int, ended: float) -> None:
        """Take note of an offset, unless as much had been told by then."""
        if offset > self.acknowledged(ended):
            self.told.append((offset, ended))


class _Offsets:
    """The lives of uploads by URL, whatever connection, scenario or branch speaks of them."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}

    def never_back(self, sight: Sight) -> Finding | None:
        """Look whether an offset went back after it had been acknowledged.

        Only a request that began after the answer with the higher offset was there can be blamed.
        """
        exchange = sight.reply.answer.exchange
        ended = exchange.started + max((event.at for event in exchange.events), default=0.0)
        url = self._upload(sight, ended)
        value = sight.reply.header("Upload-Offset")
        if url is None or not sight.reply.succeeded or value is None or not is_integer(value):
            return None
        life = self._lives.setdefault(url, _Life())
        if exchange.started < life.since:
            return None
        before = life.acknowledged(exchange.started)
        life.tell(int(value), ended)
        expected = f"Upload-Offset of at least {before}, which was acknowledged before"
        held = int(value) >= before
        return Finding(
            "pass" if held else "fail", expected, f"Upload-Offset: {value}", damage=not held
        )

    def _upload(self, sight: Sight, ended: float) -> str | None:
        """Return the URL of the upload that an answer speaks of; its life may begin or end here."""
        upload = sight.reply.upload
        if sight.reply.succeeded and sight.method == "POST":
            location = resolved(sight.reply.header("Location") or "", sight.reply.url)
            if location is not None:
                self._lives[location] = _Life(sight.reply.answer.exchange.started)
            return location
        if upload is None or sight.outgoing.url != upload.url:
            return None
        if sight.reply.succeeded and sight.method == "DELETE":
            self._lives[upload.url] = _Life(ended)
        return upload.url


def _within_length(sight: Sight) -> Finding | None:
    offset, length = sight.reply.header("Upload-Offset"), sight.reply.header("Upload-Length")
    if offset is None or length is None or not (is_integer(offset) and is_integer(length)):
        return None
    if int(offset) <= int(length):
        return Finding("pass")
    actual = f"Upload-Offset: {offset}, Upload-Length: {length}"
    return Finding("fail", "an offset that is not beyond the length", actual, damage=True)


def _is_concat(value: str, reply: Reply) -> bool:
    return concat(value, reply.url) is not None


def _answered(sight: Sight) -> Finding | None:
    if sight.reply.status is None:
        return None
    return Finding("pass")


_NUMBER = "a non-negative integer, once"

_RULES: tuple[tuple[str, str, str, Callable[[], Look]], ...] = (
    (
        "always.tus-resumable-on-success",
        "Every successful response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _present_on_success,
    ),
    (
        "always.tus-resumable-on-errors",
        "Every error response has Tus-Resumable",
        "core.tus-resumable.response-present",
        lambda: _present_on_errors,
    ),
    (
        "always.tus-resumable-value",
        "Tus-Resumable states the version that the request was made in",
        "core.tus-resumable.response-value",
        lambda: _version_spoken,
    ),
    (
        "always.upload-offset-format",
        "Every Upload-Offset is a non-negative integer",
        "core.upload-offset.format",
        lambda: _well_formed("Upload-Offset", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-length-format",
        "Every Upload-Length is a non-negative integer",
        "core.upload-length.format",
        lambda: _well_formed("Upload-Length", lambda value, _: is_integer(value), _NUMBER),
    ),
    (
        "always.upload-defer-length-value",
        "Every Upload-Defer-Length is 1",
        "creation.defer-length.value",
        lambda: _well_formed("Upload-Defer-Length", lambda value, _: value == "1", "the value 1"),
    ),
    (
        "always.upload-concat-format",
        "Every Upload-Concat is partial, or final with a list of URLs",
        "concatenation.header.response-format",
        lambda: _well_formed("Upload-Concat", _is_concat, "partial, or final; with URLs"),
    ),
    (
        "always.offset-never-goes-back",
        "An offset, once acknowledged, never goes back",
        "core.head.offset-accurate",
        lambda: _Offsets().never_back,
    ),
    (
        KEEPS_RUNNING,
        "The server goes on running, whatever clients do",
        "core.net.detect-errors",
        lambda: _answered,
    ),
    (
        "always.offset-within-length",
        "An offset is never beyond the length",
        "core.patch.exceeds-length",
        lambda: _within_length,
    ),
)
"""Id, title, requirement, and what makes the look of a run: some remember what they saw."""


def invariants() -> list[Invariant]:
    """Return every invariant, fresh for a run."""
    return [Invariant(name, title, row, fresh()) for name, title, row, fresh in _RULES]


class Watch:
    """Every invariant of a run, told of each exchange."""

    def __init__(self) -> None:
        self.all = invariants()

    def fell(self, during: Sequence[str], how: str, end: End) -> None:
        """Take note that the server's process ended in one of these scenarios, the last told.

        Before the first scenario it was discovery that the server ended in.
        """
        keeps_running = next(each for each in self.all if each.id == KEEPS_RUNNING)
        place = " or ".join(during if len(during) > 1 else ("discovery", *during))
        told = f"{how.rstrip('.')}; {end.sentence}" if end.sentence else how
        keeps_running.broke(during, f"{told} (in {place})", end.exchanges)

    def observe(self, scenario: Scenario, outgoing: Outgoing, reply: Reply) -> None:
        """Look at one exchange with every invariant."""
        override = [
            value for name, value in outgoing.headers if name.lower() == "x-http-method-override"
        ]
        method = override[0].upper() if override else outgoing.method
        sight = Sight(method, outgoing, reply)
        for invariant in self.all:
            invariant.watch(scenario, sight)
