"""The work of the proof, spread over processes: each judges one server after another."""

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
from tus_reference.defects import defects
from tus_reference.quirks import quirks


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
    """Judge a fault; with `every`, tell also the scenarios that it leaves alone."""
    defect = defects()[identifier]
    baseline, known = _recorded_server(defect.quirk)
    case = server_case(defect.quirk)
    server_result = evaluate_server(
        case, None if every else known, modification=defect.modification
    )
    found = defect_result(identifier, defect.breaks, defect.quirk, baseline, server_result)
    return ServerReport(found, (server_result.checks, server_result.possible_grades))


def evaluate_quirk(identifier: str) -> ServerReport:
    """Judge an eccentric, or the reference; where nothing but answers differ, tell what differs."""
    quirk = quirks().get(identifier)
    if (
        quirk is None
        or quirk.required_headers
        or len(quirk.modifications) != 1
        or identifier in _quirks_with_defects()
    ):
        server_result, _ = _recorded_server(identifier)
    else:
        server_result = evaluate_server(
            server_case(REFERENCE),
            _recorded_server(REFERENCE)[1],
            modification=quirk.modifications[0],
        )
    return ServerReport(
        quirk_result(identifier, server_result),
        (server_result.checks, server_result.possible_grades),
    )


@cache
def _quirks_with_defects() -> frozenset[str]:
    """Return the eccentrics that a fault is on."""
    return frozenset(defect.quirk for defect in defects().values())


@dataclass(frozen=True)
class _Task:
    """An eccentric, if it is to be judged, and faults on it, which share its exchanges."""

    eccentric: str | None
    faults: tuple[str, ...] = ()
    every_scenario: bool = False

    def run(self) -> list[ServerReport]:
        """Do it."""
        first = [] if self.eccentric is None else [evaluate_quirk(self.eccentric)]
        return first + [evaluate_defect(each, every=self.every_scenario) for each in self.faults]


def evaluate_servers(
    defect_ids: Sequence[str], quirk_ids: Sequence[str], *, jobs: int, every: bool = False
) -> Iterator[ServerReport]:
    """Judge servers on several processes; yield each as it is done."""
    on: dict[str, list[str]] = {}
    for each in defect_ids:
        on.setdefault(defects()[each].quirk, []).append(each)
    tasks = [_Task(None, (each,), every) for each in on.pop(REFERENCE, [])]
    tasks += [_Task(None, tuple(on[each]), every) for each in on if each not in quirk_ids]
    tasks += [_Task(each, tuple(on.get(each, ())), every) for each in quirk_ids]
    # What takes longest comes first, so that no process is left with it in the end.
    tasks.sort(key=lambda task: -len(task.faults))
    _recorded_server(REFERENCE)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for done in pool.imap_unordered(_Task.run, tasks, chunksize=1):
            yield from done


def server_ids() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of every fault, and of the reference and every eccentric."""
    return tuple(defects()), (REFERENCE, *quirks())
