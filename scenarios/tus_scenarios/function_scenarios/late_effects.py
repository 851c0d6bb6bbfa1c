"""What a rejected request changes later than its response, if a server stores in the background.

Each request has an upload of its own, and all of them rest together, next to other scenarios.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Expectation
from tus_scenarios.function_scenario import ScenarioFunction, function_scenario
from tus_scenarios.scenario import Scenario
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

LENGTH, STORED, SENT = 100, 40, 20
"""Bytes: of each upload, stored before the request, and in its body."""

SECONDS = 1.5
"""How long the uploads rest after their requests."""


@dataclass(frozen=True)
class _Rejected:
    """A PATCH that a server rejects, in words, and the requirement that it changes nothing."""

    name: str
    words: str
    requirement: str
    offset: int | None = STORED
    header: dict[str, str] = field(default_factory=dict)

    def request(self) -> RequestSpec:
        """Return the request, whose bytes are not those that the upload lacks next."""
        return RequestSpec(
            of=self.name,
            offset=self.offset,
            omit=("Upload-Offset",) if self.offset is None else (),
            send=SENT,
            at=STORED + SENT,
            header=dict(self.header),
        )


_MISMATCH = "core.patch.offset-mismatch-no-change"
_CORE = (
    _Rejected(
        "typed",
        "with Content-Type: application/octet-stream",
        "core.patch.content-type-not-applied",
        header={"Content-Type": "application/octet-stream"},
    ),
    _Rejected("above", f"at offset {STORED + 1}", _MISMATCH, STORED + 1),
    _Rejected("below", "at offset 0", _MISMATCH, 0),
    _Rejected(
        "versioned",
        "with Tus-Resumable: 9.9.9",
        "core.tus-resumable.unsupported-not-processed",
        header={"Tus-Resumable": "9.9.9"},
    ),
    _Rejected("unplaced", "without Upload-Offset", "core.patch.missing-offset", None),
)
_CHECKSUM = (
    _Rejected(
        "mismatched",
        "with a wrong sha1",
        "checksum.mismatch-offset",
        header={"Upload-Checksum": "sha1 {body.sha1.wrong}"},
    ),
    _Rejected(
        "unsupported",
        "with the checksum algorithm nosuchalg",
        "checksum.unsupported-algorithm-offset",
        header={"Upload-Checksum": "nosuchalg AAAA"},
    ),
)


def _later(
    name: str, extension: str, what: str, rejected: tuple[_Rejected, ...]
) -> Callable[[ScenarioFunction], Scenario]:
    rows = tuple(dict.fromkeys(each.requirement for each in rejected))
    steps = [f"Given an upload of {LENGTH} bytes, {STORED} of them stored, for each request."]
    steps += [f"PATCH {SENT} bytes {each.words}, and HEAD the upload." for each in rejected]
    steps += [f"Wait for {SECONDS:g} seconds, then HEAD each upload whose PATCH was rejected."]
    steps += [
        f"  expects Upload-Offset: {STORED}, as before; else a failure [{row}]." for row in rows
    ]
    steps += ["Resume each at the offset from HEAD, complete it, compare every byte."]
    steps += [f"  expects every byte in place; else a failure [{row}]." for row in rows]
    return function_scenario(
        id=name,
        title=f"A PATCH that is rejected {what} changes nothing later either",
        section="Core/PATCH" if extension == "core" else "Checksum",
        extension=extension,
        checks=rows,
        needs=() if extension == "core" else (extension,),
        steps=tuple(steps),
        why="A server that stores bodies in the background may do so after it has rejected them, so"
        " the next request finds an offset that nobody has acknowledged.",
        waits=True,
    )


def _run_for(rejected: tuple[_Rejected, ...]) -> ScenarioFunction:
    async def run(context: ScenarioContext) -> None:
        resting = [each for each in rejected if await _is_rejected(context, each)]

        async def never() -> bool:
            return False

        await context.wait_until(never, seconds=SECONDS)
        for each in resting:
            unchanged = Expectation(
                status="2xx",
                header={"Upload-Offset": str(STORED)},
                checks=each.requirement,
                otherwise="fail",
                says=f"the rejected PATCH changed the upload within {SECONDS:g} seconds",
            )
            if context.expect(await context.send("HEAD", RequestSpec(of=each.name)), unchanged):
                intact = Expectation(intact=True, checks=each.requirement, otherwise="fail")
                await context.finish(FinishUpload(of=each.name), intact)

    return run


async def _is_rejected(context: ScenarioContext, rejected: _Rejected) -> bool:
    """Send the request; return whether it was rejected and the upload is still as it was."""
    await context.create_upload(GivenUpload(name=rejected.name, length=LENGTH, stored=STORED))
    response = await context.send("PATCH", rejected.request())
    head = await context.send("HEAD", RequestSpec(of=rejected.name))
    is_unchanged = head.succeeded and head.header("Upload-Offset") == str(STORED)
    return response.status in range(400, 500) and is_unchanged


rejected_patch = _later("core.patch.rejected-later", "core", "for its headers", _CORE)(
    _run_for(_CORE)
)
rejected_checksum = _later("checksum.rejected-later", "checksum", "for its checksum", _CHECKSUM)(
    _run_for(_CHECKSUM)
)
