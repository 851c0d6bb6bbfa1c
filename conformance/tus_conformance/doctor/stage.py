"""A stage of the examination: what it looks at, what it needs, and how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tus_conformance.doctor.examination import Examination

StageState = Literal["clean", "findings", "not-examined", "undetermined"]


class UndeterminedError(Exception):
    """A stage cannot be examined further; the message says why in a sentence."""


@dataclass(frozen=True)
class Stage:
    """A stage: `examine` reports findings to the examination.

    It needs conditions that earlier stages may have found not to hold, such as "patch".
    """

    name: str
    title: str
    examine: Callable[[Examination], Awaitable[None]]
    needs: tuple[str, ...] = ()


class StageResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a stage ended; `reason` says why it was not examined, `seconds` how long it took."""

    name: str
    title: str
    state: StageState
    reason: str = ""
    findings: tuple[str, ...] = ()
    seconds: float = 0.0
