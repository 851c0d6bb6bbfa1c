"""Mutants of the reference server, served in memory to the suite: whom does no scenario see?

Prints which mutants a fail or a warning sees, and each survivor with what it changes and with the
scenarios that came out otherwise all the same. What only says the same in other words is left out.
Of the mutants a sample is tried; `--share` says how large.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from proof.mutation.mutant import Mutant, mutants_of, path_of, sample
from proof.mutation.mutant_run import run_mutant
from proof.mutation.score import Score, summary_sentence, survivor_report
from tus_reports import Verdict

SERVER_PACKAGES = ("tus_reference.protocol", "tus_reference.handler")
"""Where the reference server's idea of the protocol is: what the suite has to see the faults of."""

VIOLATION_VERDICTS: frozenset[Verdict] = frozenset({"fail", "warn"})

_PRELOADED = (
    "tus_conformance.runner.run",
    "tus_conformance.execution.scenario_execution",
    "tus_scenarios",
)
"""What no mutant is part of, imported once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants; survivors are to be looked at, so that they are no error by themselves."""
    options = _parser().parse_args(arguments)
    for name in _PRELOADED:
        importlib.import_module(name)
    from tus_scenarios import scenarios

    scenarios()
    every = {module: mutants_of(module, texts=False) for module in modules(options.module)}
    unmodified = _unmodified_result(next(iter(every)))
    print(f"the server as it is: {len(unmodified)} scenarios that are no pass")
    chosen = sample(
        [each for found in every.values() for each in found], options.share, options.seed
    )
    scores = {module: Score(module, total=len(found)) for module, found in every.items()}
    for mutant in chosen:
        outcome, how = run_mutant(mutant, run_suite_on_mutant, seconds=options.seconds)
        if outcome == "survived":
            how = _changed_scenarios(unmodified, how)
        print(f"{outcome:>9}  {mutant.name}  {how}", flush=True)
        scores[mutant.module].add(mutant, outcome, how)
    tried = [score for score in scores.values() if score.run_count]
    print(survivor_report(tried), *(score.summary_line() for score in tried), sep="\n")
    print(summary_sentence(tried, options.seed))
    return 0


def _parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="unseen", description=__doc__)
    flags.add_argument("module", nargs="*", default=["*"], help="which modules, by glob")
    flags.add_argument("--share", type=float, default=0.05, help="of all mutants, from 0 to 1")
    flags.add_argument("--seed", type=int, default=1, help="of the sample")
    flags.add_argument("--seconds", type=float, default=300, help="to wait for one mutant at most")
    return flags


def modules(globs: Sequence[str] = ("*",)) -> list[str]:
    """Return the modules of the rooms, in order."""
    found = []
    for package in SERVER_PACKAGES:
        folder = Path(path_of(package)).with_suffix("")
        names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
        found += [f"{package}.{name}" for name in names]
    return [module for module in found if any(fnmatchcase(module, glob) for glob in globs)]


def run_suite_on_mutant() -> tuple[bool, str]:
    """Run the suite until a scenario fails or warns; else return those that are no pass."""
    from proof.memory_evaluation import ServerCase, evaluate_server

    server_result = evaluate_server(ServerCase(), stop_at=VIOLATION_VERDICTS)
    seen = [
        f"{verdict} in {name}"
        for name, verdict in server_result.scenarios.items()
        if verdict in VIOLATION_VERDICTS
    ]
    if seen:
        return True, seen[0]
    return False, _SEPARATOR.join(
        f"{name} {verdict}"
        for name, verdict in server_result.scenarios.items()
        if verdict != "pass"
    )


_SEPARATOR = "; "


def _unmodified_result(module: str) -> set[str]:
    outcome, how = run_mutant(Mutant.read_unmodified(module), run_suite_on_mutant, seconds=600)
    if outcome != "survived":
        raise SystemExit(f"The server as it is does not pass: {how}.")
    return set(how.split(_SEPARATOR))


def _changed_scenarios(unmodified: set[str], how: str) -> str:
    """Return which scenarios came out otherwise than with the server as it is."""
    return ", ".join(sorted(set(how.split(_SEPARATOR)) - unmodified))


if __name__ == "__main__":
    sys.exit(main())
