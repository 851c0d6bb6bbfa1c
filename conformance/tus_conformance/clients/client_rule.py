"""A rule on everything that a client does: what it holds against a requirement of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.outcome import FoundOutcome
from tus_conformance.clients.seen_request import SeenRequest
from tus_reports import Check
from tus_scenarios import Grade, ledger
from tus_scenarios.server_rule import describe_rule
from tus_scenarios.situation import Situation


@dataclass(frozen=True)
class ClientView:
    """What a rule looks at.

    `resends` says that the client's HTTP library repeats broken requests by itself, as browsers
    do; such repetitions are not held against the client. `size` is that of the file, in bytes.
    """

    log: ClientLog
    situation: Situation
    outcome: FoundOutcome
    size: int
    resends: bool = False

    def previous(self, request: SeenRequest) -> SeenRequest | None:
        """Return the request about the same upload before this one; None for the first."""
        about = self.log.about(request.upload)
        place = about.index(request)
        return about[place - 1] if place else None

    def is_resent(self, request: SeenRequest) -> bool:
        """Return whether a request repeats a broken one just as an HTTP library does."""
        before = self.previous(request)
        return (
            self.resends
            and before is not None
            and before.response is None
            and before.effective_method == request.effective_method
            and before.values("Upload-Offset") == request.values("Upload-Offset")
        )

    def came_to_every_rule(self) -> bool:
        """Return whether each rule that follows another one applied to some request."""
        applied = {sentence for each in self.log.requests for sentence in each.applied}
        later = [rule for rule in self.situation.rules if rule.after]
        return all(describe_rule(rule) in applied for rule in later)

    def has_option(self, name: str) -> bool:
        """Return whether the client was given an option of this name."""
        return name in self.situation.options


@dataclass(frozen=True)
class RuleCheck:
    """What a rule says of one request, or of all: whether it held, and the decisive bytes.

    `grade` is what a violation weighs; None leaves that to the level of the requirement. Of what is
    only noted it is "note", whether it held or not.
    """

    held: bool
    expected: str = ""
    actual: str = ""
    request: SeenRequest | None = None
    grade: Grade | None = None


ClientCheck = Callable[[ClientView], Iterable[RuleCheck]]
"""Look at a situation; yield nothing where the rule does not apply."""


@dataclass(frozen=True)
class ClientRule:
    """A requirement, and what decides about it."""

    requirement: str
    check: ClientCheck

    def checks(self, view: ClientView) -> list[Check]:
        """Return one check where the rule applies: the first violation, or that it held."""
        findings = list(self.check(view))
        if not findings:
            return []
        broken = [finding for finding in findings if not finding.held]
        return [self._to_check((broken or findings)[0], len(broken))]

    def _to_check(self, finding: RuleCheck, violations: int) -> Check:
        grade: Grade = "note" if finding.grade == "note" else "pass"
        if not finding.held:
            grade = finding.grade or ledger()[self.requirement].grade
        request = finding.request
        more = f" ({violations} requests in all)" if violations > 1 else ""
        return Check(
            requirement=self.requirement,
            outcome="held" if finding.held else "violated",
            grade=grade,
            expected=finding.expected,
            actual=finding.actual + more if finding.actual else "",
            evidence="" if request is None else request.exchange().request_head.rstrip(),
            exchange=None if request is None else request.number - 1,
            rule="invariant",
        )


def each_request(
    requests: Iterable[SeenRequest],
    is_right: Callable[[SeenRequest], bool],
    expected: str,
    show: Callable[[SeenRequest], str],
) -> Iterator[RuleCheck]:
    """Yield a finding for each request; `show` is what stands there instead of `expected`."""
    for request in requests:
        right = is_right(request)
        yield RuleCheck(right, expected, "" if right else show(request), request)


def show_header(name: str) -> Callable[[SeenRequest], str]:
    """Return what shows the values of a header of a request."""

    def show(request: SeenRequest) -> str:
        values = request.values(name)
        if not values:
            return f"{request.effective_method} without {name}"
        return f"{request.effective_method} with " + ", ".join(f"{name}: {v!r}" for v in values)

    return show
