"""Try every configuration, or the named ones: `python -m proxies [PRODUCT[/CASE]]...`.

The exit code is 0 if each has just the findings that its case names. With --suite it is 0 if the
suite comes to the same verdicts through each documented configuration as without a proxy, apart
from the differences that product.toml explains.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import trio

from proxies.suite_comparison import SuiteComparer, describe_comparison
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
    parser.add_argument("--suite", action="store_true", help="compare verdicts of the suite")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="with --suite")
    parser.add_argument("--report-dir", metavar="DIR", help="keep the records of --suite here")
    options = parser.parse_args()
    return trio.run(compare_suites if options.suite else run_trials, options)


async def compare_suites(options: argparse.Namespace) -> int:
    """Run the suite through the documented configurations; return the exit code."""
    wrong = []
    arguments = tuple(word for glob in options.only for word in ("--only", glob))
    names = [name for name, case in choose(options.names) if case.id == "good"]
    with tempfile.TemporaryDirectory(prefix="tus-proxy-") as scratch:
        folder = Path(options.report_dir or scratch)
        async with trio.open_nursery() as servers:
            comparer = SuiteComparer(ReferencePool(servers), folder, arguments)
            for name in names:
                result = await comparer.compare_product(name)
                print(describe_comparison(name, result), flush=True)
                wrong += [] if result.is_right else [name]
            servers.cancel_scope.cancel()
    print(f"{len(names) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not names else 0


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
