"""Bodies that take their time, and uploads that rest: what a server's limits do to them.

A body of a few seconds runs next to other scenarios. Bodies of a minute or two need `--slow`. A
server may limit how long a request lasts; the bytes that arrived before must not be lost by that.
"""

from __future__ import annotations

from collections.abc import Callable

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import ScenarioFunction, function_scenario
from tus_scenarios.function_scenarios.interruption_cuts import wait_until_available
from tus_scenarios.scenario import Scenario
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_REQUIREMENT = "core.patch.store-partial"
_ACCURATE = "core.head.offset-accurate"
PIECE = 1000
"""Bytes that are sent between two pauses."""


def _paced(name: str, seconds: float, pieces: int, what: str, needs: tuple[str, ...]) -> Scenario:
    """Return a scenario whose body has its pieces over so many seconds."""
    size = pieces * PIECE

    async def run(context: ScenarioContext) -> None:
        await context.create_upload(GivenUpload(length=size))
        paused = await context.open_request("PATCH", RequestSpec(offset=0, send=size))
        for _ in range(pieces - 1):
            await paused.send_body(PIECE)
            if (await paused.wait_for_status(seconds / (pieces - 1)) or 0) >= 200:
                break
        response = await paused.send_rest()
        limited = f"the server ended a body of {seconds:g} seconds before its end"
        cut_off = (Condition(closed=True, says=limited), Condition(status="4xx", says=limited))
        context.expect(
            response,
            Expectation(
                status="2xx",
                checks=_REQUIREMENT,
                note=cut_off if needs else (),
                warn=(*(() if needs else cut_off), Condition(status="5xx", says=limited)),
                otherwise="warn",
            ),
        )
        nothing_kept = Condition(
            header={"Upload-Offset": HeaderMatcher(most=0)},
            says="the server kept none of the bytes that arrived before it ended the request",
        )
        context.expect(
            await wait_until_available(context),
            Expectation(
                when=Condition(status="2xx"),
                header={"Upload-Offset": HeaderMatcher(least=1, most=size)},
                checks=_REQUIREMENT,
                warn=(nothing_kept,),
                otherwise="fail",
            ),
        )
        intact = Expectation(intact=True, checks=_REQUIREMENT, otherwise="fail")
        await context.finish(FinishUpload(), intact)

    ends = "a note" if needs else "a warning"
    return _scenario(
        name,
        f"A PATCH whose body {what} is stored",
        (
            f"Given an upload of {size} bytes.",
            f"PATCH all of it, {PIECE} bytes at a time over {seconds:g} seconds.",
            f"  expects a 2xx; {ends} for a closed connection or a 4xx, else a warning"
            f" [{_REQUIREMENT}].",
            "HEAD the upload, repeated until it responds.",
            f"  expects that some of the bytes are stored; a warning for none [{_REQUIREMENT}].",
            "Resume the upload at the offset from HEAD, complete it, compare every byte.",
            f"  expects every byte in place; else a failure [{_REQUIREMENT}].",
        ),
        _REQUIREMENT,
        needs,
    )(run)


def _resting(seconds: float) -> Scenario:
    """Return a scenario whose upload rests between two requests."""

    async def run(context: ScenarioContext) -> None:
        await context.create_upload(GivenUpload(length=2 * PIECE, stored=PIECE))
        before = await context.send("HEAD", RequestSpec())

        async def never() -> bool:
            return False

        await context.wait_until(never, seconds=seconds)
        expired = (Condition(status=(404, 410), says="the upload has an Upload-Expires"),)
        is_intact = context.expect(
            await context.send("HEAD", RequestSpec()),
            Expectation(
                status="2xx",
                header={"Upload-Offset": str(PIECE)},
                checks=_ACCURATE,
                note=expired if before.header("Upload-Expires") else (),
                otherwise="fail",
                says=f"the stored bytes are lost after {seconds:g} seconds without a request",
            ),
        )
        if is_intact:
            intact = Expectation(intact=True, checks=_ACCURATE, otherwise="fail")
            await context.finish(FinishUpload(), intact)

    return _scenario(
        f"core.paced.rest-{seconds:g}s",
        f"An upload to which nothing is sent for {seconds:g} seconds can be resumed",
        (
            f"Given an upload of {2 * PIECE} bytes, {PIECE} of them stored.",
            f"Wait for {seconds:g} seconds, then HEAD the upload.",
            f"  expects a 2xx and Upload-Offset: {PIECE}; a note for 404 or 410 if the upload"
            f" expires, else a failure [{_ACCURATE}].",
            "Resume the upload at the offset from HEAD, complete it, compare every byte.",
            f"  expects every byte in place; else a failure [{_ACCURATE}].",
        ),
        _ACCURATE,
        ("slow",),
    )(run)


def _scenario(
    name: str, title: str, steps: tuple[str, ...], requirement: str, needs: tuple[str, ...]
) -> Callable[[ScenarioFunction], Scenario]:
    return function_scenario(
        id=name,
        title=title,
        section="Core/PATCH",
        extension="core",
        checks=(requirement,),
        steps=steps,
        why="Large files and slow connections keep a request open for minutes, and people pause.",
        needs=needs,
        waits=True,
    )


_SLOW = ("slow",)

three_seconds = _paced("core.paced.body-3s", 3.0, 13, "takes 3 seconds", ())
half_a_minute = _paced("core.paced.body-35s", 35.0, 36, "takes 35 seconds", _SLOW)
one_minute = _paced("core.paced.body-65s", 65.0, 66, "takes 65 seconds", _SLOW)
two_minutes = _paced("core.paced.body-130s", 130.0, 66, "takes 130 seconds", _SLOW)
idle_half_a_minute = _paced("core.paced.idle-35s", 35.0, 2, "pauses for 35 seconds", _SLOW)
idle_one_minute = _paced("core.paced.idle-65s", 65.0, 2, "pauses for 65 seconds", _SLOW)
rest_half_a_minute = _resting(35.0)
rest_one_minute = _resting(65.0)
rest_two_minutes = _resting(130.0)
