"""The proof's command: judge every server, look at the gates, compare with what is kept."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from proof import findings as kept
from proof.findings import EccentricFound, FaultFound, Findings
from proof.gates import GATES, OF_EACH, Gate
from proof.page import figures, page
from proof.vacuity import Seen, unproven
from proof.work import all_servers, work

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof; return 1 when a gate fails or the kept matrix is not what was found."""
    options = _options(arguments)
    began = time.monotonic()
    found = _found(options)
    for name, figure in figures(found).items():
        print(f"{figure:>12}  {name}")
    print(f"{time.monotonic() - began:>11.0f}s  on {options.jobs} processes")
    failed = _failed(found, OF_EACH if options.only else GATES)
    if options.write and not options.only:
        kept.write(found)
        PAGE.write_text(page(found), "utf-8")
    elif not options.only:
        failed += _drifted(found)
    for sentence in failed:
        print(sentence)
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    flags = argparse.ArgumentParser(prog="proof", description=__doc__)
    flags.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    flags.add_argument(
        "--only", nargs="+", metavar="ID", help="judge these faults and eccentrics alone"
    )
    flags.add_argument(
        "--every-scenario",
        action="store_true",
        help="tell also the scenarios that a fault certainly leaves alone",
    )
    flags.add_argument("--write", action="store_true", help="keep what is found")
    options = flags.parse_args(arguments)
    known = {each for ids in all_servers() for each in ids}
    for unknown in set(options.only or ()) - known:
        flags.error(f"there is no fault or eccentric {unknown!r}")
    return options


def _found(options: argparse.Namespace) -> Findings:
    fault_ids, eccentric_ids = all_servers()
    if options.only:
        fault_ids, eccentric_ids = (
            tuple(each for each in ids if each in options.only)
            for ids in (fault_ids, eccentric_ids)
        )
    faults: dict[str, FaultFound] = {}
    eccentrics: dict[str, EccentricFound] = {}
    seen: list[Seen] = []
    for done in work(fault_ids, eccentric_ids, jobs=options.jobs, every=options.every_scenario):
        seen.append(done.seen)
        if isinstance(done.found, FaultFound):
            faults[done.found.id] = done.found
        else:
            eccentrics[done.found.id] = done.found
        print(_line(done.found), flush=True)
    return Findings(
        faults=tuple(faults[each] for each in fault_ids),
        eccentrics=tuple(eccentrics[each] for each in eccentric_ids),
        unproven=() if options.only else tuple(unproven(seen)),
    )


def _line(found: FaultFound | EccentricFound) -> str:
    if isinstance(found, EccentricFound):
        charges = ", ".join(found.violates) or "nothing"
        return f"{found.id or 'the reference'}: charged with {charges}"
    grade = found.violates.get(found.breaks, "NOT FOUND")
    more = [row for row in found.violates if row != found.breaks]
    return f"{found.id}: {found.breaks} {grade}" + (f", with {', '.join(more)}" if more else "")


def _failed(found: Findings, gates: Mapping[str, Gate]) -> list[str]:
    failed = []
    for name, gate in gates.items():
        sentences = list(gate(found))
        print(f"{'holds' if not sentences else 'FAILS':>12}  {name}")
        failed += sentences
    return failed


def _drifted(found: Findings) -> list[str]:
    files = {kept.MATRIX: kept.text_of(found), PAGE: page(found)}
    return [
        f"{path.name} is not what was found; look why, and then write it with --write."
        for path, text in files.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


if __name__ == "__main__":
    sys.exit(main())
