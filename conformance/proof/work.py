"""The work of the proof, spread over processes: each judges one server after another."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from proof.cases import REFERENCE, case_of
from proof.findings import EccentricFound, FaultFound, eccentric_found, fault_found
from proof.judged import Judged, Place
from proof.memory import Known, get_to_know, judge
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults

Outcomes = dict[Place, frozenset[str]]


@dataclass(frozen=True)
class Done:
    """What came of one server, and how every check of it came out."""

    found: FaultFound | EccentricFound
    checks: Outcomes = field(default_factory=dict)


@cache
def _known(identifier: str) -> tuple[Judged, Known]:
    return get_to_know(case_of(identifier))


def judge_fault(identifier: str, *, every: bool = False) -> Done:
    """Judge a fault; with `every`, tell also the scenarios that it leaves alone."""
    fault = faults()[identifier]
    plain, known = _known(fault.on)
    case = case_of(fault.on)
    judged = judge(case, None if every else known, fault=fault.behaviour)
    found = fault_found(identifier, fault.breaks, fault.on, plain, judged)
    return Done(found, judged.checks)


def judge_eccentric(identifier: str) -> Done:
    """Judge an eccentric, or the reference."""
    judged, _ = _known(identifier)
    return Done(eccentric_found(identifier, judged), judged.checks)


def _one(task: tuple[str, str, bool]) -> Done:
    kind, identifier, every = task
    return (
        judge_eccentric(identifier) if kind == "eccentric" else judge_fault(identifier, every=every)
    )


def work(
    fault_ids: Sequence[str], eccentric_ids: Sequence[str], *, jobs: int, every: bool = False
) -> Iterator[Done]:
    """Judge servers on several processes; yield each as it is done."""
    # Faults on the same eccentric come one after the other, as its exchanges are kept.
    ordered = sorted(fault_ids, key=lambda each: faults()[each].on)
    tasks = [("eccentric", each, every) for each in eccentric_ids]
    tasks += [("fault", each, every) for each in ordered]
    _known(REFERENCE)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_one, tasks, chunksize=1)


def all_servers() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of every fault, and of the reference and every eccentric."""
    return tuple(faults()), (REFERENCE, *eccentrics())
