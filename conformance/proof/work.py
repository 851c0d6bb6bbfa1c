"""The work of the proof, spread over processes: each judges one server after another."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from proof.cases import REFERENCE, case_of
from proof.findings import EccentricFound, FaultFound, eccentric_found, fault_found
from proof.judged import Judged
from proof.memory import Known, get_to_know, judge
from proof.vacuity import Seen
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults


@dataclass(frozen=True)
class Done:
    """What came of one server, and how every check of it came out."""

    found: FaultFound | EccentricFound
    seen: Seen = ({}, {})


@cache
def _known(identifier: str) -> tuple[Judged, Known]:
    found = get_to_know(case_of(identifier))
    # It is kept for good, in a process of its own: no collection need look at it again.
    gc.freeze()
    return found


def judge_fault(identifier: str, *, every: bool = False) -> Done:
    """Judge a fault; with `every`, tell also the scenarios that it leaves alone."""
    fault = faults()[identifier]
    plain, known = _known(fault.on)
    case = case_of(fault.on)
    judged = judge(case, None if every else known, fault=fault.behaviour)
    found = fault_found(identifier, fault.breaks, fault.on, plain, judged)
    return Done(found, (judged.checks, judged.promised))


def judge_eccentric(identifier: str) -> Done:
    """Judge an eccentric, or the reference; where nothing but answers differ, tell what differs."""
    odd = eccentrics().get(identifier)
    if odd is None or odd.asks_for or len(odd.behaviours) != 1 or identifier in _stages():
        judged, _ = _known(identifier)
    else:
        judged = judge(case_of(REFERENCE), _known(REFERENCE)[1], fault=odd.behaviours[0])
    return Done(eccentric_found(identifier, judged), (judged.checks, judged.promised))


@cache
def _stages() -> frozenset[str]:
    """Return the eccentrics that a fault is on."""
    return frozenset(fault.on for fault in faults().values())


@dataclass(frozen=True)
class _Task:
    """An eccentric, if it is to be judged, and faults on it, which share its exchanges."""

    eccentric: str | None
    faults: tuple[str, ...] = ()
    every: bool = False

    def done(self) -> list[Done]:
        """Do it."""
        first = [] if self.eccentric is None else [judge_eccentric(self.eccentric)]
        return first + [judge_fault(each, every=self.every) for each in self.faults]


def work(
    fault_ids: Sequence[str], eccentric_ids: Sequence[str], *, jobs: int, every: bool = False
) -> Iterator[Done]:
    """Judge servers on several processes; yield each as it is done."""
    on: dict[str, list[str]] = {}
    for each in fault_ids:
        on.setdefault(faults()[each].on, []).append(each)
    tasks = [_Task(None, (each,), every) for each in on.pop(REFERENCE, [])]
    tasks += [_Task(None, tuple(on[each]), every) for each in on if each not in eccentric_ids]
    tasks += [_Task(each, tuple(on.get(each, ())), every) for each in eccentric_ids]
    # What takes longest comes first, so that no process is left with it in the end.
    tasks.sort(key=lambda task: -len(task.faults))
    _known(REFERENCE)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for done in pool.imap_unordered(_Task.done, tasks, chunksize=1):
            yield from done


def all_servers() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of every fault, and of the reference and every eccentric."""
    return tuple(faults()), (REFERENCE, *eccentrics())
