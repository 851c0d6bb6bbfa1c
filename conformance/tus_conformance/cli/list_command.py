"""`tus-conformance list`: the requirements of the ledger, or the scenarios."""

from __future__ import annotations

import argparse

from tus_conformance.cli.output import print_line
from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.invariants import invariants
from tus_scenarios import ledger, scenarios


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    parser.add_argument(
        "--scenarios", action="store_true", help="list the scenarios instead: id and title"
    )


def run(options: argparse.Namespace) -> int:
    """Print every requirement as id, level and statement, or every scenario as id and title."""
    if options.scenarios:
        rows: list[tuple[str, ...]] = [(each.id, each.title) for each in scenarios()]
        rows += [(each.id, each.title) for each in invariants()]
    else:
        rows = [(each.id, each.level, each.statement) for each in ledger().values()]
    print_line("\n".join("\t".join(row) for row in rows))
    return exit_codes.CONFORMANT
