"""Mutants of the judging and of the wire, held against their tests.

Prints a score for each module, and each mutant that no test notices. The judging is tried whole, of
the wire a sample; `--share` says otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

import pytest

from proof.mutation.mutant import Mutant, mutants_of, sample
from proof.mutation.score import Score, summary, survivors
from proof.mutation.trial import trial

_WIRE = "conformance/tests/wire"
_IN_MEMORY = ("conformance/tests/test_replay.py", "conformance/tests/test_moves.py")

JUDGING: dict[str, tuple[str, ...]] = {
    "tus_conformance.judging.baseline": ("conformance/tests/test_baseline.py",),
    "tus_conformance.judging.invariants": ("conformance/tests/test_invariants.py",),
    "tus_conformance.judging.judgement": (
        "conformance/tests/test_judgement.py",
        "conformance/tests/test_attribution.py",
    ),
    "tus_conformance.judging.verdict": ("conformance/tests/test_verdict.py",),
    "tus_conformance.dialogue.headers": ("conformance/tests/test_headers.py",),
    "tus_scenarios.reader": ("scenarios/tests/test_reader.py",),
    "tus_scenarios.lint": ("scenarios/tests/test_lint.py", "scenarios/tests/test_registry.py"),
    "tus_scenarios.expectation": (
        "conformance/tests/test_judgement.py",
        "scenarios/tests/test_registry.py",
    ),
    "tus_scenarios.scenario": (
        "scenarios/tests/test_unfold.py",
        "scenarios/tests/test_lint.py",
        "scenarios/tests/test_registry.py",
    ),
    "tus_scenarios.step": (
        "scenarios/tests/test_reader.py",
        "scenarios/tests/test_lint.py",
        "scenarios/tests/test_registry.py",
        "conformance/tests/test_digests.py",
    ),
}
"""What decides a verdict, each module with the tests that are about it."""

WIRE: dict[str, tuple[str, ...]] = {
    f"tus_conformance.wire.{name}": (_WIRE, *more)
    for name, more in {
        "address": (),
        "answer": (),
        "courier": (),
        "faults": (),
        "frames": (),
        "framing": (),
        "hearing": (),
        "held": (),
        "line": (),
        "log": (),
        "memory": _IN_MEMORY,
        "network": (),
        "outgoing": (),
        "recorder": (),
        "redaction": (),
        "tally": (),
        "trouble": (),
        "wire": (),
    }.items()
}
"""What goes over the network and is recorded; of its many mutants a sample is tried."""

WIRE_SAMPLE = 200

_HEAVY = ("anyio", "httpx", "h11", "httpcore", "msgspec", "pytest", "rich", "trio", "trio.testing")
"""What no mutant is part of, imported once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants; survivors are to be looked at, so that they are no error by themselves."""
    options = _parser().parse_args(arguments)
    for name in _HEAVY:
        importlib.import_module(name)
    wanted = _wanted(options.module)
    share = {module: _share(module, wanted, options.share) for module in wanted}
    scores = []
    for module, mutants in wanted.items():
        notices = Tests((JUDGING | WIRE)[module])
        score = Score(module, total=len(mutants))
        seconds = _seconds(module, notices)
        for mutant in sample(mutants, share[module], options.seed):
            score.add(mutant, *trial(mutant, notices, seconds=seconds))
        print(score.line(), flush=True)
        scores.append(score)
    print(survivors(scores))
    print(summary(scores, options.seed))
    return 0


def _parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="mutants", description=__doc__)
    flags.add_argument("module", nargs="*", default=["*"], help="which modules, by glob")
    flags.add_argument("--share", type=float, help="of the mutants of each module, from 0 to 1")
    flags.add_argument("--seed", type=int, default=1, help="of the sample")
    return flags


def _wanted(globs: Sequence[str]) -> dict[str, list[Mutant]]:
    named = [m for m in (*JUDGING, *WIRE) if any(fnmatchcase(m, glob) for glob in globs)]
    return {module: found for module in named if (found := mutants_of(module))}


def _share(module: str, wanted: dict[str, list[Mutant]], share: float | None) -> float:
    if share is not None:
        return share
    if module in JUDGING:
        return 1.0
    every = sum(len(mutants) for name, mutants in wanted.items() if name in WIRE)
    return min(1.0, WIRE_SAMPLE / every)


def _seconds(module: str, notices: Tests) -> float:
    """Return how long to wait for a mutant's tests; those of the module itself have to pass."""
    began = time.monotonic()
    outcome, how = trial(Mutant.of_nothing(module), notices, seconds=600)
    if outcome != "unnoticed":
        raise SystemExit(f"The tests of {module} do not pass as it is: {how}.")
    return 30 + 5 * (time.monotonic() - began)


class Tests:
    """Notices a mutant by tests, the first that fails."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files

    def __call__(self) -> tuple[bool, str]:
        """Run the tests until one fails; return whether one did, and its name."""
        failed = _Failed()
        # What pytest rewrites, it loads itself; and the mutant would never be asked for.
        quick = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider")
        code = pytest.main([*quick, *self._files], plugins=[failed])
        return code != 0, failed.name


class _Failed:
    """A plugin that keeps the name of what failed first."""

    name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of a test that failed."""
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main())
