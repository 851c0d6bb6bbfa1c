"""Cells: requirement, kind of upload, way to send, size of body; which of them scenarios exercise.

Servers handle kinds of upload and ways to send a request by code of their own, so that a
requirement that is checked on one of them is not checked on the others. The cells of a requirement
are all combinations, for each requirement that is checked on an upload at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from tus_conformance.evaluation.invariant import Invariant
from tus_scenarios import GivenUpload, RequestSpec, Scenario, Step

KINDS = (
    "ordinary",
    "deferred",
    "partial",
    "final",
    "with-upload",
    "described",
    "empty",
    "complete",
)
WAYS = ("plain", "override", "chunked", "expect", "kept", "http10", "letter-case", "interrupted")
SIZES = ("none", "empty", "some", "large")
"""Bodies: a request without one, 0 bytes, up to 64 KiB, more."""

LARGE = 64 * 1024
AXES = ("requirement", "kind", "way", "size")

Cell = tuple[str, str, str, str]


@dataclass(frozen=True)
class CellCoverage:
    """The cells that scenarios exercise."""

    cells: frozenset[Cell]

    @property
    def requirements(self) -> frozenset[str]:
        """Return the requirements that are checked on an upload."""
        return frozenset(cell[0] for cell in self.cells)

    def exercised(self, *axes: str) -> int:
        """Return how many combinations of values of these axes are exercised."""
        places = [AXES.index(axis) for axis in axes]
        return len({tuple(cell[place] for place in places) for cell in self.cells})

    def possible(self, *axes: str) -> int:
        """Return how many combinations of values of these axes there are."""
        sizes = dict(zip(AXES, map(len, (self.requirements, KINDS, WAYS, SIZES)), strict=True))
        product = 1
        for axis in axes:
            product *= sizes[axis]
        return product

    def lines(self) -> Iterator[str]:
        """Yield the share of each pair with the requirement, and of the whole cells, as text."""
        for count in (1, 2, 3):
            for others in combinations(AXES[1:], count):
                axes = (AXES[0], *others)
                done, every = self.exercised(*axes), self.possible(*axes)
                yield f"{done} of {every} cells ({' x '.join(axes)}): {100 * done / every:.1f} %"


def compute_cells(
    scenarios: Iterable[Scenario], invariants: Iterable[Invariant] = ()
) -> CellCoverage:
    """Return the cells that scenarios exercise, invariants over their requests included."""
    found: set[Cell] = set()
    watched = [
        (method, each.requirement)
        for each in invariants
        for method in ("HEAD", "PATCH")
        if each.id.startswith(f"always.{method.lower()}-")
    ]
    for scenario in scenarios:
        for method, requirements, place in _requests_of(scenario):
            checked = (*requirements, *(row for name, row in watched if name == method))
            found |= {(row, *place) for row in checked}
    return CellCoverage(frozenset(found))


def _requests_of(
    scenario: Scenario,
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, str, str]]]:
    """Yield the method, the checked requirements and the place of each request about an upload."""
    kinds: dict[str, str] = {}
    for step in scenario.steps:
        rows = () if step.setup else tuple(r for each in step.expect for r in each.requirements)
        if step.given is not None:
            kinds[step.given.name] = _kind_of_given(step.given)
        elif step.finish is not None and step.finish.of in kinds:
            yield "", rows, (kinds[step.finish.of], "plain", "some")
        request = step.message if step.finish is None else None
        if request is None:
            continue
        if step.post is not None and request.to is None:
            kinds[request.of] = _kind_of_creation(request)
        if request.of in kinds and request.to in {None, "{upload}"} and step.options is None:
            kind = kinds[request.of]
            yield _method_of(step, request), rows, (kind, _way_of(request), _size_of(request))


def _method_of(step: Step, request: RequestSpec) -> str:
    named = request.header.get("X-HTTP-Method-Override")
    return named if isinstance(named, str) else request.method or step.act.upper()


def _kind_of_given(given: GivenUpload) -> str:
    if given.deferred:
        return "deferred"
    if given.header.get("Upload-Concat") == "partial":
        return "partial"
    if str(given.length) == "0":
        return "empty"
    if str(given.stored) == str(given.length):
        return "complete"
    return "ordinary" if given.metadata is None else "described"


def _kind_of_creation(request: RequestSpec) -> str:
    concat = str(request.header.get("Upload-Concat", ""))
    if request.parts or concat.startswith("final"):
        return "final"
    if concat:
        return "partial"
    if request.defer is not None:
        return "deferred"
    if request.send is not None or request.body is not None:
        return "with-upload"
    if str(request.length) == "0":
        return "empty"
    return "ordinary" if request.metadata is None else "described"


def _way_of(request: RequestSpec) -> str:
    names = {name.lower() for name in request.header}
    ways = {
        "interrupted": request.cut is not None or bool(request.faults),
        "override": request.override or "x-http-method-override" in names,
        "chunked": request.framing == "chunked",
        "expect": "expect" in names,
        "kept": request.connection == "kept",
        "http10": request.http == "1.0",
        "letter-case": request.names != "usual",
    }
    return next((way for way, applies in ways.items() if applies), "plain")


def _size_of(request: RequestSpec) -> str:
    if request.body is not None:
        return "some" if request.body else "empty"
    if request.send is None:
        return "none"
    sent = str(request.send)
    if sent == "0":
        return "empty"
    return "large" if sent.isdecimal() and int(sent) > LARGE else "some"
