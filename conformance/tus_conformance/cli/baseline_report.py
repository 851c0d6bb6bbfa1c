"""What `run --baseline` and `run --write-baseline` read, say and write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tus_conformance.runner.baseline import (
    Baseline,
    BaselineError,
    failing_pairs,
    format_baseline,
    known_checks,
    read_baseline,
)
from tus_conformance.runner.run import Run


def load_baseline(file: Path | None, to_write: Path | None) -> Baseline:
    """Read the baseline of a run; one to be written knows all fails, and keeps given reasons."""
    if to_write is None:
        return Baseline() if file is None else read_baseline(file, known_checks())
    before = file or (to_write if to_write.exists() else None)
    known = Baseline() if before is None else read_baseline(before, known_checks())
    return replace(known, accepts_all=True)


def write_baseline(file: Path, run: Run) -> str:
    """Write the fails of a run as a baseline; return a sentence about it.

    Of a run that could not evaluate the server none is written: what it did not see would count as
    new in the next run.
    """
    if run.problem or any(result.verdict == "error" for result in run.results):
        return (
            f"baseline     not written to {file}, because the run could not evaluate every"
            " scenario: run again when the server responds"
        )
    pairs = failing_pairs(run.results, strict=run.plan.strict)
    try:
        file.write_text(format_baseline(pairs, run.plan.baseline), "utf-8")
    except OSError as error:
        raise BaselineError(f"{file} cannot be written: {error.strerror}.") from None
    count = f"{len(pairs)} fail" + ("" if len(pairs) == 1 else "s")
    return f"baseline     {count} written to {file}"


def baseline_changes(file: Path, run: Run) -> Iterator[str]:
    """Yield lines about what a run found besides what the baseline knows."""
    strict, baseline = run.plan.strict, run.plan.baseline
    found = failing_pairs(run.results, strict=strict)
    known = [pair for pair in found if pair in baseline.pairs]
    new = [pair for pair in found if pair not in baseline.pairs]
    fixed = baseline.fixed_entries(run.results, strict=strict)
    yield f"baseline     {len(known)} known, {len(new)} new, {len(fixed)} fixed"
    for scenario, requirement in new:
        yield f"  new        {scenario} {requirement}"
    for entry in fixed:
        yield f"  fixed      {' '.join(entry.pair)}: delete line {entry.line} of {file}"
