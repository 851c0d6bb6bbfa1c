"""The plan of the unreliable proxy: which faults happen to which requests, and how often."""

from __future__ import annotations

import random
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tus_conformance.execution.request_faults import fault_action
from tus_conformance.proxy.proxied_request import ProxiedRequest
from tus_conformance.transport.fault_actions import InjectedFault as TransportFault
from tus_scenarios import NetworkFault
from tus_scenarios.network_fault import PositionError, describe_fault, resolve_position
from tus_scenarios.reader import explain_error

ANY_POSITION = "any"
"""The position that is drawn for each request."""

_SHARES = 1000


class FaultPlanError(ValueError):
    """A plan cannot be used; the message says what to mend."""


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to requests of some methods: a `fault` or an `answer`.

    It happens with a `chance` from 0 to 1, or to the `nth` of these requests, counted from 1; both
    together give those a chance. `min_size` leaves out requests with a shorter body, in bytes;
    `after` and `until` are seconds since the first request, 0 for no limit.
    `fault` is injected into the request; its `at` may be "any", a position drawn for each request.
    `answer` is a status from 200 with which the proxy itself responds.
    """

    chance: float | None = None
    nth: tuple[int, ...] = ()
    min_size: int = 0
    after: float = 0.0
    until: float = 0.0
    methods: tuple[str, ...] = ("PATCH",)
    fault: NetworkFault | None = None
    answer: int | None = None

    def __post_init__(self) -> None:
        if self.chance is None and not self.nth:
            raise ValueError("A rule needs a `chance`, or `nth`, the requests that it is about.")
        if any(number < 1 for number in self.nth):
            raise ValueError("`nth` counts from 1.")
        if min(self.min_size, self.after, self.until) < 0:
            raise ValueError("`min_size`, `after` and `until` must not be negative.")
        if self.chance is not None and not 0 <= self.chance <= 1:
            raise ValueError("`chance` must be a number from 0 to 1.")
        if (self.fault is None) == (self.answer is None):
            raise ValueError("A rule needs either a `fault` or an `answer`, not both.")
        if self.answer is not None and not 200 <= self.answer <= 599:
            raise ValueError("`answer` must be a status from 200 to 599.")
        if self.fault is not None and self.fault.until:
            raise ValueError("`until` needs the steps of a scenario, so a proxy cannot use it.")
        if self.fault is not None and self.fault.at != ANY_POSITION:
            try:
                resolve_position(self.fault.at, 0)
            except PositionError as error:
                raise ValueError(str(error)) from None

    def is_about(self, method: str, size: int, seconds: float) -> bool:
        """Return whether the rule is about a request that comes so many seconds after the first."""
        if method not in self.methods or size < self.min_size:
            return False
        return seconds >= self.after and (not self.until or seconds < self.until)

    @property
    def scope(self) -> str:
        """Return which requests the rule is about, in words."""
        methods = ", ".join(self.methods)
        share = "" if self.chance is None else f"{self.chance:.0%} of "
        which = f"number {', '.join(map(str, self.nth))} of " if self.nth else ""
        limits = f" with {self.min_size} bytes or more" if self.min_size else ""
        limits += f" after {self.after:g} s" if self.after else ""
        limits += f" until {self.until:g} s" if self.until else ""
        return f"{share}{which}{methods}{limits}"

    @property
    def description(self) -> str:
        """Return what the rule does, in words."""
        if self.fault is None:
            return f"responded with {self.answer}"
        if self.fault.at == ANY_POSITION:
            return describe_fault(msgspec.structs.replace(self.fault, at="50%")).replace(
                "50%", "some"
            )
        return describe_fault(self.fault)


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a plan. At most one happens to a request.

    Rules with `nth` come first, in their order; for the others chances add up, by method.
    """

    rule: tuple[FaultRule, ...]


@dataclass(frozen=True)
class ChosenFault:
    """What is to happen to one request."""

    faults: tuple[TransportFault, ...] = ()
    lose: bool = False
    twice: bool = False
    answer: int | None = None


@dataclass(frozen=True)
class SeededFaultPlan:
    """A plan with a seed.

    What happens to the n-th request depends on these two and n alone, but for rules with `nth`,
    `after` or `until`. `now` is a clock, in seconds.
    """

    plan: FaultPlan
    seed: int
    now: Callable[[], float] = time.monotonic
    _counts: Counter[int] = field(default_factory=Counter, compare=False)
    _began: list[float] = field(default_factory=list, compare=False)

    def choose(self, proxied: ProxiedRequest) -> ChosenFault:
        """Return what is to happen to a request."""
        method = (proxied.header("X-HTTP-Method-Override") or proxied.method).upper()
        generator = random.Random(f"{self.seed} {proxied.number}")  # noqa: S311
        left = generator.random()
        draws = [generator.random() for _ in self.plan.rule]
        rules = self._rules_about(method, proxied.length or 0)
        for place, rule in rules:
            if rule.nth and self._counts[place] in rule.nth and draws[place] < _chance(rule):
                return _choose_fault(rule, lambda: _draw_position(generator))
        for _, rule in rules:
            left -= 0 if rule.nth else _chance(rule)
            if left < 0:
                return _choose_fault(rule, lambda: _draw_position(generator))
        return ChosenFault()

    def _rules_about(self, method: str, size: int) -> list[tuple[int, FaultRule]]:
        """Return the rules about a request with their places, and count the request for them."""
        if not self._began:
            self._began.append(self.now())
        seconds = self.now() - self._began[0]
        found = [
            (place, rule)
            for place, rule in enumerate(self.plan.rule)
            if rule.is_about(method, size, seconds)
        ]
        self._counts.update(place for place, _ in found)
        return found


def _chance(rule: FaultRule) -> float:
    return 1.0 if rule.chance is None else rule.chance


def _draw_position(generator: random.Random) -> str:
    return f"{generator.randrange(_SHARES) // 10}%"


def _choose_fault(rule: FaultRule, draw_position: Callable[[], str]) -> ChosenFault:
    if rule.fault is None:
        return ChosenFault(answer=rule.answer)
    fault = rule.fault
    at = draw_position() if fault.at == ANY_POSITION else fault.at
    act = fault_action(fault)
    return ChosenFault(
        faults=() if act is None else (TransportFault(act, at, fault.inside),),
        lose=fault.lose is not None,
        twice=fault.duplicate is not None,
    )


def read_fault_plan(path: Path, seed: int) -> SeededFaultPlan:
    """Read a plan; raise PlanError where it cannot be read or makes no sense."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        plan = msgspec.convert(raw, FaultPlan)
    except OSError as error:
        raise FaultPlanError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise FaultPlanError(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise FaultPlanError(f"{path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise FaultPlanError(f"{path}: {explain_error(str(error), FaultPlan)}") from None
    for method in {method for rule in plan.rule for method in rule.methods}:
        total = sum(_chance(rule) for rule in plan.rule if method in rule.methods and not rule.nth)
        if total > 1 + 1e-9:
            raise FaultPlanError(
                f"{path}: the chances for {method} add up to {total:g}; they must not exceed 1."
            )
    return SeededFaultPlan(plan, seed)
