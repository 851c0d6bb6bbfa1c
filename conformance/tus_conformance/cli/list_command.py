"""`tus-conformance list`: the requirements of the ledger, the scenarios, or the situations."""

from __future__ import annotations

import argparse

from tus_conformance.cli.output import print_line
from tus_conformance.evaluation import exit_codes
from tus_scenarios import ledger, scenarios


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `list`."""
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--scenarios", action="store_true", help="list the scenarios instead: id and title"
    )
    kind.add_argument(
        "--situations", action="store_true", help="list the situations for clients instead"
    )


def run(options: argparse.Namespace) -> int:
    """Print every requirement as id, level and statement; others as id and title."""
    if options.scenarios:
        from tus_conformance.evaluation.invariants import invariants  # it takes the whole engine

        rows: list[tuple[str, ...]] = [(each.id, each.title) for each in scenarios()]
        rows += [(each.id, each.title) for each in invariants()]
    elif options.situations:
        from tus_scenarios.situation_registry import situations

        rows = [(each.id, each.title) for each in situations()]
    else:
        rows = [(each.id, each.level, each.statement) for each in ledger().values()]
    print_line("\n".join("\t".join(row) for row in rows))
    return exit_codes.CONFORMANT
