"""Fuzz the reference: request heads, every tus header, chunked bodies and records.

    python -m fuzzing [TARGET]... [--seconds N] [--seed N]     (from the folder reference/)

Each target runs for so many seconds; it prints how many examples ran, and per minute. The exit
code is 1 if one broke a rule, and the shortest example is printed.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import traceback

from fuzzing.targets import TARGETS, run_target

BATCH = 200


def main() -> int:
    """Run the targets and print the figures; return the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    arguments.add_argument("--seconds", type=float, default=60.0, help="for each target (60)")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = arguments.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        arguments.error(f"{unknown[0]!r} is not a target; they are {', '.join(TARGETS)}")
    print(f"seed {options.seed}")
    # Warnings about damaged records are as many as the records.
    logging.getLogger("tus_reference").setLevel(logging.CRITICAL)
    failures = 0
    for name in options.targets or TARGETS:
        failures += not _fuzz(name, options.seconds, random.Random(f"{options.seed} {name}"))
    return 1 if failures else 0


def _fuzz(name: str, seconds: float, chance: random.Random) -> bool:
    """Fuzz one target for some time; return whether every rule held."""
    begun, executions, held = time.monotonic(), 0, True
    while held and time.monotonic() - begun < seconds:
        try:
            executions += run_target(name, BATCH, chance.randrange(2**32))
        except Exception:
            traceback.print_exc()
            held = False
    passed = time.monotonic() - begun
    rate = executions / passed * 60
    print(
        f"{name}: {executions} examples in {passed:.0f} s, {rate:.0f} per minute, "
        + ("every rule held" if held else "A RULE WAS BROKEN"),
        flush=True,
    )
    return held


if __name__ == "__main__":
    sys.exit(main())
