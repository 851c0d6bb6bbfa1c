"""The work of the proof, spread over processes: each evaluates one server after another."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from proof.cases import REFERENCE, server_case
from proof.memory_evaluation import RecordedServer, evaluate_and_record, evaluate_server
from proof.results import DefectResult, QuirkResult, defect_result, quirk_result
from proof.server_result import ServerResult
from proof.unproven_checks import CheckOutcomes
from tus_defects import defects, quirks


@dataclass(frozen=True)
class ServerReport:
    """What came of one server, and how every check of it came out."""

    result: DefectResult | QuirkResult
    outcomes: CheckOutcomes = ({}, {})


@cache
def _recorded_server(identifier: str) -> tuple[ServerResult, RecordedServer]:
    found = evaluate_and_record(server_case(identifier))
    # It is kept for good, in a process of its own: no collection need look at it again.
    gc.freeze()
    return found


def evaluate_defect(identifier: str, *, every: bool = False) -> ServerReport:
    """Evaluate a defect; with `every`, run also the scenarios that it leaves unchanged."""
    defect = defects()[identifier]
    baseline, known = _recorded_server(defect.on)
    case = server_case(defect.on)
    server_result = evaluate_server(case, None if every else known, change=defect.change)
    found = defect_result(identifier, defect.breaks, defect.on, baseline, server_result)
    return ServerReport(found, (server_result.checks, server_result.possible_grades))


def evaluate_quirk(identifier: str) -> ServerReport:
    """Evaluate a quirk, or the reference; where only responses differ, run what differs."""
    quirk = quirks().get(identifier)
    if (
        quirk is None
        or quirk.requires
        or quirk.on
        or quirk.change.configure is not None
        or identifier in _quirks_with_defects()
    ):
        server_result, _ = _recorded_server(identifier)
    else:
        server_result = evaluate_server(
            server_case(REFERENCE),
            _recorded_server(REFERENCE)[1],
            change=quirk.change,
        )
    return ServerReport(
        quirk_result(identifier, server_result),
        (server_result.checks, server_result.possible_grades),
    )


@cache
def _quirks_with_defects() -> frozenset[str]:
    """Return the quirks that a defect is on."""
    return frozenset(defect.on for defect in defects().values())


@dataclass(frozen=True)
class _Task:
    """A quirk, if it is to be evaluated, and defects on it, which share its exchanges."""

    quirk: str | None
    defects: tuple[str, ...] = ()
    every_scenario: bool = False

    def run(self) -> list[ServerReport]:
        """Evaluate the quirk and the defects."""
        first = [] if self.quirk is None else [evaluate_quirk(self.quirk)]
        return first + [evaluate_defect(each, every=self.every_scenario) for each in self.defects]


def evaluate_servers(
    defect_ids: Sequence[str], quirk_ids: Sequence[str], *, jobs: int, every: bool = False
) -> Iterator[ServerReport]:
    """Evaluate servers on several processes; yield each as it is done."""
    on: dict[str, list[str]] = {}
    for each in defect_ids:
        on.setdefault(defects()[each].on, []).append(each)
    tasks = [_Task(None, (each,), every) for each in on.pop(REFERENCE, [])]
    tasks += [_Task(None, tuple(on[each]), every) for each in on if each not in quirk_ids]
    tasks += [_Task(each, tuple(on.get(each, ())), every) for each in quirk_ids]
    # What takes longest comes first, so that no process is left with it in the end.
    tasks.sort(key=lambda task: -len(task.defects))
    _recorded_server(REFERENCE)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for done in pool.imap_unordered(_Task.run, tasks, chunksize=1):
            yield from done


def server_ids() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of every defect, and of the reference and every quirk."""
    return tuple(defects()), (REFERENCE, *quirks())
