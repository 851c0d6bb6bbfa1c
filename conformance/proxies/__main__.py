"""Try every configuration, or the named ones: `python -m proxies [PRODUCT[/CASE]]...`.

The exit code is 0 if each has just the findings that its case names.
"""

from __future__ import annotations

import argparse
import sys

import trio

from proxies.trial import (
    Case,
    ReferencePool,
    TrialResult,
    is_installed,
    product_names,
    read_cases,
    read_product,
    run_trial,
)
from tus_conformance.targets.server_process import ServerError
from tus_conformance.transport.loopback_listener import ListenError


def main() -> int:
    """Run the trials and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m proxies", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PRODUCT[/CASE]")
    parser.add_argument("--direct", action="store_true", help="compare with the server itself")
    parser.add_argument("--jobs", type=int, default=6, metavar="N", help="trials at once")
    parser.add_argument("--verbose", action="store_true", help="print the reports that differ")
    return trio.run(run_trials, parser.parse_args())


async def run_trials(options: argparse.Namespace) -> int:
    """Run the chosen trials, several at once; return the exit code."""
    chosen = choose(options.names)
    wrong: list[str] = []
    limiter = trio.CapacityLimiter(options.jobs)

    async def run(name: str, case: Case) -> None:
        async with limiter:
            try:
                result = await run_trial(name, case, pool, direct=options.direct)
            except (RuntimeError, ValueError, ServerError, ListenError) as error:
                result = TrialResult((), -1, 0.0, "", str(error))
        right = sorted(result.findings) == sorted(case.findings)
        right = right and not result.error and not result.innocent
        if not right:
            wrong.append(f"{name}/{case.id}")
        print(describe(name, case, result, right=right), flush=True)
        if options.verbose and not right:
            print(result.report)

    async with trio.open_nursery() as servers:
        pool = ReferencePool(servers)
        async with trio.open_nursery() as trials:
            for name, case in chosen:
                trials.start_soon(run, name, case)
        servers.cancel_scope.cancel()
    print(f"{len(chosen) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not chosen else 0


def choose(names: list[str]) -> list[tuple[str, Case]]:
    """Return the cases to try; say which products are not installed."""
    chosen = []
    for product in product_names():
        cases = [
            case
            for case in read_cases(product)
            if not names or product in names or f"{product}/{case.id}" in names
        ]
        if cases and not is_installed(read_product(product)):
            print(f"{product} is left out: it is not installed.")
            continue
        chosen += [(product, case) for case in cases]
    return chosen


def describe(name: str, case: Case, result: TrialResult, *, right: bool) -> str:
    """Return a trial in a line."""
    found = ", ".join(result.findings) or "clean"
    line = f"{'ok   ' if right else 'WRONG'} {name}/{case.id} ({result.seconds:.1f} s): {found}"
    if result.error:
        line += f"; {result.error}"
    if result.innocent:
        line += f"; not blamed on the proxy: {', '.join(result.innocent)}"
    return line if right else f"{line}; expected {', '.join(case.findings) or 'none'}"


if __name__ == "__main__":
    sys.exit(main())
