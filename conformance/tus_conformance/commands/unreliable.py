"""`tus-conformance unreliable` and `record`: a proxy between a client and a server."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trio

from tus_conformance.arguments import fresh_seed
from tus_conformance.judging import verdict
from tus_conformance.proxying import (
    ListenError,
    Passing,
    PlanError,
    Recording,
    Relay,
    Upstream,
    UpstreamError,
    read_plan,
)
from tus_conformance.running.signals import interruptible


def unreliable(options: argparse.Namespace) -> int:
    """Break what passes, by a plan, until the user ends it."""
    seed = fresh_seed() if options.seed is None else options.seed
    try:
        rules = read_plan(options.plan, seed)
        upstream = Upstream(options.upstream)
    except (PlanError, UpstreamError) as wrong:
        return _refuse(str(wrong))
    tally: Counter[str] = Counter()

    def ended(passing: Passing) -> None:
        tally["requests"] += 1
        tally["broken"] += bool(passing.done)
        _say(passing.told())

    for rule in rules.plan.rule:
        _say(f"{rule.chance:.0%} of {', '.join(rule.methods)}: {rule.words}")
    relay = Relay(upstream, choose=rules.choose, ended=ended)
    code = _serve(relay, options.listen, f"Seed {seed}. ")
    _say(f"{tally['requests']} requests, something was done to {tally['broken']} of them.")
    return code


def record(options: argparse.Namespace) -> int:
    """Take down what passes until the user ends it, and write it as a scenario file."""
    try:
        upstream = Upstream(options.upstream)
    except UpstreamError as wrong:
        return _refuse(str(wrong))
    recording = Recording(upstream.path)

    def ended(passing: Passing) -> None:
        _say(passing.told())

    relay = Relay(upstream, began=recording.began, ended=ended)
    code = _serve(relay, options.listen, "")
    return code or _write(recording, options.out)


def _write(recording: Recording, file: Path) -> int:
    text = recording.written(file.stem)
    if text is None:
        return _refuse("No upload was made, so nothing was written.", verdict.NOTHING)
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        return _refuse(f"{file} cannot be written to: {error.strerror}.")
    for remark in recording.remarks:
        _warn(remark)
    _say(f"Replay it: tus-conformance run --target URL --scenarios {file}")
    return verdict.CONFORMANT


def _serve(relay: Relay, port: int, preface: str) -> int:
    def ready(found: int) -> None:
        _say(
            f"{preface}Give the client http://127.0.0.1:{found}{relay.upstream.path}"
            f" instead of {relay.upstream.origin}{relay.upstream.path}; end it with Ctrl-C."
        )

    taken: list[str] = []
    try:
        trio.run(_until_told, relay, port, ready)
    except* ListenError as errors:
        taken = [str(_first(errors))]
    return _refuse(taken[0]) if taken else verdict.CONFORMANT


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _until_told(relay: Relay, port: int, ready: Callable[[int], None]) -> None:
    scope = trio.CancelScope()

    async def served() -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                ready(await nursery.start(relay.serve, port))

    await interruptible(served, scope.cancel)


def _refuse(sentence: str, code: int = verdict.USAGE) -> int:
    _warn(sentence)
    return code


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _warn(sentence: str) -> None:
    print(f"tus-conformance: {sentence}", file=sys.stderr)  # noqa: T201
