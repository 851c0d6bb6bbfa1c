"""The proof's command: evaluate every server, check the gates, compare with matrix.json."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from proof import results as kept
from proof.gates import GATES, PER_SERVER_GATES, Gate, compare_with_matrix
from proof.page import count_figures, render_page
from proof.process_pool import evaluate_servers, server_ids
from proof.results import DefectResult, ProofResult, QuirkResult
from proof.unproven_checks import CheckOutcomes, find_unproven_checks

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof; return 1 if a gate fails or a verdict is not that of matrix.json."""
    options = _options(arguments)
    began = time.monotonic()
    found = _evaluate_selected(options)
    for name, figure in count_figures(found).items():
        print(f"{figure:>12}  {name}")
    print(f"{time.monotonic() - began:>11.0f}s  on {options.jobs} processes")
    failed = _check_gates(found, PER_SERVER_GATES if options.only else GATES)
    if options.write:
        whole = kept.merge_results(found, kept.read_matrix()) if options.only else found
        kept.write_matrix(whole)
        PAGE.write_text(render_page(whole), "utf-8")
    elif options.only:
        failed += compare_with_matrix(found, kept.read_matrix())
    else:
        failed += compare_with_matrix(found, kept.read_matrix())
        failed += _find_changed_files(found)
    for sentence in failed:
        print(sentence)
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    flags = argparse.ArgumentParser(prog="proof", description=__doc__)
    flags.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    flags.add_argument(
        "--only", nargs="+", metavar="ID", help="evaluate only these defects and quirks"
    )
    flags.add_argument(
        "--every-scenario",
        action="store_true",
        help="run also the scenarios that a defect certainly leaves unchanged",
    )
    flags.add_argument(
        "--write",
        action="store_true",
        help="write matrix.json and the page; with --only, the lines of these alone",
    )
    options = flags.parse_args(arguments)
    known = {each for ids in server_ids() for each in ids}
    for unknown in set(options.only or ()) - known:
        flags.error(f"unknown defect or quirk {unknown!r}")
    return options


def _evaluate_selected(options: argparse.Namespace) -> ProofResult:
    defect_ids, quirk_ids = server_ids()
    if options.only:
        defect_ids, quirk_ids = (
            tuple(each for each in ids if each in options.only) for ids in (defect_ids, quirk_ids)
        )
    defects: dict[str, DefectResult] = {}
    quirks: dict[str, QuirkResult] = {}
    seen: list[CheckOutcomes] = []
    for done in evaluate_servers(
        defect_ids, quirk_ids, jobs=options.jobs, every=options.every_scenario
    ):
        seen.append(done.outcomes)
        if isinstance(done.result, DefectResult):
            defects[done.result.id] = done.result
        else:
            quirks[done.result.id] = done.result
        print(_result_line(done.result), flush=True)
    return ProofResult(
        defects=tuple(defects[each] for each in defect_ids),
        quirks=tuple(quirks[each] for each in quirk_ids),
        unproven=() if options.only else tuple(find_unproven_checks(seen)),
    )


def _result_line(found: DefectResult | QuirkResult) -> str:
    if isinstance(found, QuirkResult):
        violations = ", ".join(found.violates) or "nothing"
        return f"{found.id or 'the reference'} violates {violations}"
    grade = found.violates.get(found.breaks, "NOT FOUND")
    more = [row for row in found.violates if row != found.breaks]
    return f"{found.id}: {found.breaks} {grade}" + (f", with {', '.join(more)}" if more else "")


def _check_gates(found: ProofResult, gates: Mapping[str, Gate]) -> list[str]:
    failed = []
    for name, gate in gates.items():
        sentences = list(gate(found))
        print(f"{'holds' if not sentences else 'FAILS':>12}  {name}")
        failed += sentences
    return failed


def _find_changed_files(found: ProofResult) -> list[str]:
    files = {kept.MATRIX: kept.format_matrix(found), PAGE: render_page(found)}
    return [
        f"{path.name} is out of date; find out why, then write it with --write."
        for path, text in files.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


if __name__ == "__main__":
    sys.exit(main())
