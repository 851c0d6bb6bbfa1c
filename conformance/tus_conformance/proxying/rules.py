"""The plan of the unreliable proxy: which faults happen to which requests, and how often."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tus_conformance.dialogue.faulting import act_of
from tus_conformance.proxying.passing import Passing
from tus_conformance.wire.outgoing import Fault as OnTheWire
from tus_scenarios import Fault
from tus_scenarios.fault import PositionError, position
from tus_scenarios.fault import told as fault_told

ANY = "any"
"""The position that is drawn anew each time."""

_SHARES = 1000


class PlanError(ValueError):
    """A plan cannot be used; the message says what to mend."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens, with a chance from 0 to 1, to requests of some methods: exactly one of two.

    `fault` is done to the request; its `at` may be "any", a place drawn anew each time. `answer`
    is a status from 400 that the proxy gives itself, without asking the server.
    """

    chance: float
    methods: tuple[str, ...] = ("PATCH",)
    fault: Fault | None = None
    answer: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError("`chance` is a number from 0 to 1.")
        if (self.fault is None) == (self.answer is None):
            raise ValueError("A rule has either a `fault` or an `answer`.")
        if self.answer is not None and not 400 <= self.answer <= 599:
            raise ValueError("`answer` is a status from 400 to 599.")
        if self.fault is not None and self.fault.until:
            raise ValueError("`until` is for steps of scenarios; a proxy has none.")
        if self.fault is not None and self.fault.at != ANY:
            try:
                position(self.fault.at, 0)
            except PositionError as error:
                raise ValueError(str(error)) from None

    @property
    def words(self) -> str:
        """Return what the rule does, in words."""
        if self.fault is None:
            return f"answered with {self.answer}"
        if self.fault.at == ANY:
            return fault_told(msgspec.structs.replace(self.fault, at="50%")).replace("50%", "some")
        return fault_told(self.fault)


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules of a plan. At most one happens to a request: for its method, chances add up."""

    rule: tuple[Rule, ...]


@dataclass(frozen=True)
class Chosen:
    """What is to happen to one request."""

    faults: tuple[OnTheWire, ...] = ()
    lose: bool = False
    twice: bool = False
    answer: int | None = None


@dataclass(frozen=True)
class Rules:
    """A plan with a seed: what happens to the n-th request depends on these two and n alone."""

    plan: PlanFile
    seed: int

    def choose(self, passing: Passing) -> Chosen:
        """Return what is to happen to a request."""
        method = (passing.header("X-HTTP-Method-Override") or passing.method).upper()
        drawn = random.Random(f"{self.seed} {passing.number}")  # noqa: S311
        left = drawn.random()
        for rule in self.plan.rule:
            if method not in rule.methods:
                continue
            left -= rule.chance
            if left < 0:
                return _chosen(rule, lambda: f"{drawn.randrange(_SHARES) // 10}%")
        return Chosen()


def _chosen(rule: Rule, somewhere: Callable[[], str]) -> Chosen:
    if rule.fault is None:
        return Chosen(answer=rule.answer)
    fault = rule.fault
    at = somewhere() if fault.at == ANY else fault.at
    act = act_of(fault)
    return Chosen(
        faults=() if act is None else (OnTheWire(act, at, fault.inside),),
        lose=fault.lose is not None,
        twice=fault.duplicate is not None,
    )


def read_plan(path: Path, seed: int) -> Rules:
    """Read a plan; raise PlanError where it cannot be read or makes no sense."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        plan = msgspec.convert(raw, PlanFile)
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise PlanError(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise PlanError(f"{path}: {str(error).rstrip('.')}.") from None
    for method in {method for rule in plan.rule for method in rule.methods}:
        total = sum(rule.chance for rule in plan.rule if method in rule.methods)
        if total > 1 + 1e-9:
            raise PlanError(f"{path}: the chances for {method} come to {total:g}, more than 1.")
    return Rules(plan, seed)
