"""The plan of the unreliable proxy: which faults happen to which requests, and how often."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
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
    """What happens, with a chance from 0 to 1, to requests of some methods: exactly one of two.

    `fault` is injected into the request; its `at` may be "any", a position drawn for each request.
    `answer` is a status from 400 with which the proxy itself responds.
    """

    chance: float
    methods: tuple[str, ...] = ("PATCH",)
    fault: NetworkFault | None = None
    answer: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError("`chance` must be a number from 0 to 1.")
        if (self.fault is None) == (self.answer is None):
            raise ValueError("A rule needs either a `fault` or an `answer`, not both.")
        if self.answer is not None and not 400 <= self.answer <= 599:
            raise ValueError("`answer` must be a status from 400 to 599.")
        if self.fault is not None and self.fault.until:
            raise ValueError("`until` needs the steps of a scenario, so a proxy cannot use it.")
        if self.fault is not None and self.fault.at != ANY_POSITION:
            try:
                resolve_position(self.fault.at, 0)
            except PositionError as error:
                raise ValueError(str(error)) from None

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
    """The rules of a plan. At most one happens to a request: for its method, chances add up."""

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
    """A plan with a seed: what happens to the n-th request depends on these two and n alone."""

    plan: FaultPlan
    seed: int

    def choose(self, proxied: ProxiedRequest) -> ChosenFault:
        """Return what is to happen to a request."""
        method = (proxied.header("X-HTTP-Method-Override") or proxied.method).upper()
        generator = random.Random(f"{self.seed} {proxied.number}")  # noqa: S311
        left = generator.random()
        for rule in self.plan.rule:
            if method not in rule.methods:
                continue
            left -= rule.chance
            if left < 0:
                return _choose_fault(rule, lambda: f"{generator.randrange(_SHARES) // 10}%")
        return ChosenFault()


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
        total = sum(rule.chance for rule in plan.rule if method in rule.methods)
        if total > 1 + 1e-9:
            raise FaultPlanError(
                f"{path}: the chances for {method} add up to {total:g}; they must not exceed 1."
            )
    return SeededFaultPlan(plan, seed)
