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
from proof.mutation.mutant_run import run_mutant
from proof.mutation.score import Score, summary_sentence, survivor_report

_TRANSPORT_TEST_FOLDER = "conformance/tests/transport"
_MEMORY_TESTS = (
    "conformance/tests/execution/test_steps.py",
    "conformance/tests/explorer/test_moves.py",
)

EVALUATION_TESTS: dict[str, tuple[str, ...]] = {
    "tus_conformance.runner.baseline": ("conformance/tests/runner/test_baseline.py",),
    **{
        f"tus_conformance.evaluation.{name}": tuple(
            f"conformance/tests/evaluation/test_{each}.py"
            for each in ("invariants", "invariant", "invariant_monitor")
        )
        for name in ("invariant", "invariants", "invariant_monitor", "offset_tracker")
    },
    **{
        f"tus_conformance.evaluation.{name}": (
            f"conformance/tests/evaluation/test_{name}.py",
            *(f"conformance/tests/{each}.py" for each in more),
        )
        for name, more in {
            "header_matching": (),
            "conditions": ("evaluation/test_expectations",),
            "grades": ("evaluation/test_expectations",),
            "expectations": ("evaluation/test_attribution",),
            "attribution": ("execution/test_steps", "targets/test_program", "targets/test_trace"),
            "preconditions": ("execution/test_steps",),
            "applicability": ("execution/test_steps",),
            "verdicts": (),
            "run_exit_code": (),
        }.items()
    },
    "tus_conformance.transport.header_values": (
        "conformance/tests/transport/test_header_values.py",
    ),
    "tus_scenarios.reader": ("scenarios/tests/test_reader.py",),
    "tus_scenarios.lint": ("scenarios/tests/test_lint.py", "scenarios/tests/test_registry.py"),
    "tus_scenarios.expectation": (
        "conformance/tests/evaluation/test_expectations.py",
        "scenarios/tests/test_registry.py",
    ),
    "tus_scenarios.scenario": (
        "scenarios/tests/test_scenario.py",
        "scenarios/tests/test_lint.py",
        "scenarios/tests/test_registry.py",
    ),
    "tus_scenarios.step": (
        "scenarios/tests/test_reader.py",
        "scenarios/tests/test_lint.py",
        "scenarios/tests/test_registry.py",
        "conformance/tests/state/test_digests.py",
    ),
}
"""What decides a verdict, each module with the tests that are about it."""

TRANSPORT_TESTS: dict[str, tuple[str, ...]] = {
    f"tus_conformance.transport.{name}": (_TRANSPORT_TEST_FOLDER, *more)
    for name, more in {
        "address": (),
        "connection_end": (),
        "content_coding": (),
        "loopback_listener": (),
        "response_limits": (),
        "response": (),
        "httpx_transport": (),
        "pending_faults": (),
        "fault_actions": (),
        "fault_executor": ("conformance/tests/proxy/test_proxy_server.py",),
        "http2_frames": (),
        "request_encoder": (),
        "response_parser": (),
        "pending_request": (),
        "persistent": (),
        "event_log": (),
        "memory": _MEMORY_TESTS,
        "network": (),
        "request": (),
        "exchange_state": (),
        "http_exchange": (),
        "recorder": (),
        "redaction": (),
        "body_summary": (),
        "failures": (),
        "http1_transport": (),
    }.items()
}
"""What goes over the network and is recorded; of its many mutants a sample is tried."""

TRANSPORT_SAMPLE = 200

_PRELOADED = (
    "anyio",
    "httpx",
    "h11",
    "httpcore",
    "msgspec",
    "pytest",
    "rich",
    "trio",
    "trio.testing",
)
"""What no mutant is part of, imported once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants; survivors are to be looked at, so that they are no error by themselves."""
    options = _parser().parse_args(arguments)
    for name in _PRELOADED:
        importlib.import_module(name)
    wanted = _select_mutants(options.module)
    share = {module: _sample_share(module, wanted, options.share) for module in wanted}
    scores = []
    for module, mutants in wanted.items():
        check_mutant = MutantTests((EVALUATION_TESTS | TRANSPORT_TESTS)[module])
        score = Score(module, total=len(mutants))
        seconds = _timeout_for(module, check_mutant)
        for mutant in sample(mutants, share[module], options.seed):
            score.add(mutant, *run_mutant(mutant, check_mutant, seconds=seconds))
        print(score.summary_line(), flush=True)
        scores.append(score)
    print(survivor_report(scores))
    print(summary_sentence(scores, options.seed))
    return 0


def _parser() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(prog="mutants", description=__doc__)
    flags.add_argument("module", nargs="*", default=["*"], help="which modules, by glob")
    flags.add_argument("--share", type=float, help="of the mutants of each module, from 0 to 1")
    flags.add_argument("--seed", type=int, default=1, help="of the sample")
    return flags


def _select_mutants(globs: Sequence[str]) -> dict[str, list[Mutant]]:
    named = [
        m
        for m in (*EVALUATION_TESTS, *TRANSPORT_TESTS)
        if any(fnmatchcase(m, glob) for glob in globs)
    ]
    return {module: found for module in named if (found := mutants_of(module))}


def _sample_share(module: str, wanted: dict[str, list[Mutant]], share: float | None) -> float:
    if share is not None:
        return share
    if module in EVALUATION_TESTS:
        return 1.0
    every = sum(len(mutants) for name, mutants in wanted.items() if name in TRANSPORT_TESTS)
    return min(1.0, TRANSPORT_SAMPLE / every)


def _timeout_for(module: str, check_mutant: MutantTests) -> float:
    """Return how long to wait for a mutant's tests; those of the module itself have to pass."""
    began = time.monotonic()
    outcome, how = run_mutant(Mutant.read_unmodified(module), check_mutant, seconds=600)
    if outcome != "survived":
        raise SystemExit(f"The tests of {module} do not pass as it is: {how}.")
    return 30 + 5 * (time.monotonic() - began)


class MutantTests:
    """Notices a mutant by tests, the first that fails."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files

    def __call__(self) -> tuple[bool, str]:
        """Run the tests until one fails; return whether one did, and its name."""
        failed = _FirstFailure()
        # What pytest rewrites, it loads itself; and the mutant would never be asked for.
        quick = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider")
        code = pytest.main([*quick, *self._files], plugins=[failed])
        return code != 0, failed.name


class _FirstFailure:
    """A plugin that keeps the name of what failed first."""

    name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of a test that failed."""
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main())
