"""Several uploads at once, with large bodies of their own: their bytes must not be mixed up.

Servers keep buffers, file handles and temporary names for a request. One that is shared between
requests shows only when several are under way, and only with bodies larger than one read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_REQUIREMENT = "core.patch.concurrent"
_ORDER = "concatenation.final.order"

SIZES = (65_535, 65_536, 65_537, 200_001, 524_289, 1_048_575, 1_048_577, 1_300_003)
"""Bytes of the uploads that are sent at once."""

BODY_COUNT, BODY_PIECE, PIECES = 6, 65_537, 3
"""How many bodies arrive in turn, in how many pieces, and the bytes of each piece."""

PATCH_COUNT, PATCH_SIZE = 4, 100_003
"""How many PATCH requests each upload has, and their bytes."""

PART_COUNT, PART_SIZE = 6, 131_073
"""The partial uploads that are sent at once, and their bytes."""

MANY_PARTS, SMALL_PART = 40, 25
"""The partial uploads of one final upload, and their bytes."""

PART_METADATA = "filename cGFydA=="
"""The metadata of each of them, which must not become that of the final upload."""

_BUSY = (Condition(status=(429, 503), says="the server accepts fewer requests at once"),)
Branch = Callable[[], Awaitable[None]]


def _stored(requirement: str) -> Expectation:
    return Expectation(status="2xx", checks=requirement, note=_BUSY, otherwise="warn")


async def _finish_all(context: ScenarioContext, names: Iterable[str], requirement: str) -> None:
    intact = Expectation(intact=True, checks=requirement, otherwise="fail")
    for name in names:
        await context.finish(FinishUpload(of=name), intact)


def _names(count: int) -> list[str]:
    return [f"u{number}" for number in range(count)]


@function_scenario(
    id="core.parallel.large",
    title="Eight uploads of different sizes that are sent at once keep their own bytes",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why="A user drops a folder: the client uploads its files in parallel.",
    steps=(
        f"Given {len(SIZES)} uploads of {SIZES[0]} to {SIZES[-1]} bytes.",
        "PATCH all of each, at the same time.",
        "  expects a 2xx; a note for 429 or 503, else a warning [core.patch.concurrent].",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def large(context: ScenarioContext) -> None:
    """Send whole uploads at once."""
    sizes = dict(zip(_names(len(SIZES)), SIZES, strict=True))
    for name, size in sizes.items():
        await context.create_upload(GivenUpload(name=name, length=size))

    def patch(name: str, size: int) -> Branch:
        async def branch() -> None:
            response = await context.send("PATCH", RequestSpec(of=name, offset=0, send=size))
            context.expect(response, _stored(_REQUIREMENT))

        return branch

    await context.run_concurrently(*(patch(name, size) for name, size in sizes.items()))
    await _finish_all(context, sizes, _REQUIREMENT)


@function_scenario(
    id="core.parallel.interleaved-bodies",
    title="Six request bodies whose bytes arrive in turn are stored in their own uploads",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why="On slow connections the bodies of many clients arrive piece by piece, at the same time.",
    steps=(
        f"Given {BODY_COUNT} uploads of {BODY_PIECE * PIECES} bytes.",
        f"PATCH all of each; send {BODY_PIECE} bytes of one body after the other, {PIECES} times.",
        "  expects a 2xx; a note for 429 or 503, else a warning [core.patch.concurrent].",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def interleaved_bodies(context: ScenarioContext) -> None:
    """Send the bodies of several requests in turn."""
    size, names = BODY_PIECE * PIECES, _names(BODY_COUNT)
    for name in names:
        await context.create_upload(GivenUpload(name=name, length=size))
    bodies = [
        await context.open_request("PATCH", RequestSpec(of=name, offset=0, send=size))
        for name in names
    ]
    for _ in range(PIECES - 1):
        for body in bodies:
            await body.send_body(BODY_PIECE)

    def send_rest(number: int) -> Branch:
        async def branch() -> None:
            context.expect(await bodies[number].send_rest(), _stored(_REQUIREMENT))

        return branch

    await context.run_concurrently(*map(send_rest, range(BODY_COUNT)))
    await _finish_all(context, names, _REQUIREMENT)


@function_scenario(
    id="core.parallel.interleaved-patches",
    title="Six uploads of four PATCH requests each, at the same time, keep their own bytes",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why="Clients with a chunk size send many requests for each of several uploads.",
    steps=(
        f"Given {BODY_COUNT} uploads of {PATCH_COUNT * PATCH_SIZE} bytes.",
        f"PATCH {PATCH_SIZE} bytes of each, {PATCH_COUNT} times, all uploads at the same time.",
        "  expects a 2xx; a note for 429 or 503, else a warning [core.patch.concurrent].",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def interleaved_patches(context: ScenarioContext) -> None:
    """Send several PATCHes for each of several uploads."""
    names = _names(BODY_COUNT)
    for name in names:
        await context.create_upload(GivenUpload(name=name, length=PATCH_COUNT * PATCH_SIZE))

    def patch(name: str) -> Branch:
        async def branch() -> None:
            for number in range(PATCH_COUNT):
                at = number * PATCH_SIZE
                request = RequestSpec(of=name, offset=at, send=PATCH_SIZE)
                if not context.expect(await context.send("PATCH", request), _stored(_REQUIREMENT)):
                    return

        return branch

    await context.run_concurrently(*map(patch, names))
    await _finish_all(context, names, _REQUIREMENT)


@function_scenario(
    id="creation.parallel",
    title="Eight creations at the same time make eight uploads, each with its own bytes",
    section="Creation/POST",
    extension="creation",
    checks=("creation.post.201", "creation.post.location"),
    needs=("creation",),
    why="An id from the clock or a counter without a lock is given twice under load.",
    steps=(
        f"POST {len(SIZES)} uploads of {SIZES[0]} to {SIZES[-1]} bytes, at the same time.",
        "  expects a 2xx; a note for 429 or 503, else a failure [creation.post.201].",
        "HEAD each upload.",
        "  expects its own Upload-Length; else a failure [creation.post.location].",
        "PATCH all of each, at the same time.",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [creation.post.location].",
    ),
)
async def creations(context: ScenarioContext) -> None:
    """Create several uploads at once, then fill them at once."""
    sizes = dict(zip(_names(len(SIZES)), SIZES, strict=True))
    created: list[str] = []

    def create(name: str) -> Branch:
        async def branch() -> None:
            response = await context.send("POST", RequestSpec(of=name, length=sizes[name]))
            expected = Expectation(
                status="2xx", checks="creation.post.201", note=_BUSY, otherwise="fail"
            )
            context.expect(response, expected)
            if response.succeeded:
                created.append(name)

        return branch

    def patch(name: str) -> Branch:
        async def branch() -> None:
            await context.send("PATCH", RequestSpec(of=name, offset=0, send=sizes[name]))

        return branch

    await context.run_concurrently(*map(create, sizes))
    # In the order of the requests, whichever response came first.
    created = [name for name in sizes if name in created]
    for name in created:
        own_length = Expectation(
            when=Condition(header={"Upload-Length": True}),
            header={"Upload-Length": str(sizes[name])},
            checks="creation.post.location",
            otherwise="fail",
            says="the upload has the length of another that was created at the same time",
        )
        context.expect(await context.send("HEAD", RequestSpec(of=name)), own_length)
    await context.run_concurrently(*map(patch, created))
    await _finish_all(context, created, "creation.post.location")


@function_scenario(
    id="creation-with-upload.parallel",
    title="Six creations with bytes, at the same time, make six uploads with their own bytes",
    section="Creation With Upload",
    extension="creation-with-upload",
    checks=("creation-with-upload.accept-bytes",),
    needs=("creation-with-upload",),
    why="Clients send small files in one request each, and many of them at once.",
    steps=(
        f"POST {BODY_COUNT} uploads with all of their {SIZES[0]} bytes or more, at the same time.",
        "  expects a 2xx; a note for 429 or 503, else a warning"
        " [creation-with-upload.accept-bytes].",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [creation-with-upload.accept-bytes].",
    ),
)
async def creations_with_upload(context: ScenarioContext) -> None:
    """Create several uploads with all of their bytes at once."""
    requirement = "creation-with-upload.accept-bytes"
    sizes = dict(zip(_names(BODY_COUNT), SIZES, strict=False))
    created: list[str] = []

    def create(name: str) -> Branch:
        async def branch() -> None:
            request = RequestSpec(
                of=name,
                length=sizes[name],
                send=sizes[name],
                header={"Content-Type": "application/offset+octet-stream"},
            )
            response = await context.send("POST", request)
            context.expect(response, _stored(requirement))
            if response.succeeded:
                created.append(name)

        return branch

    await context.run_concurrently(*map(create, sizes))
    await _finish_all(context, created, requirement)


@function_scenario(
    id="concatenation.parallel",
    title="Partial uploads sent at the same time are joined in the order of each final upload",
    section="Concatenation",
    extension="concatenation",
    checks=("concatenation.partial.create", _ORDER),
    needs=("concatenation",),
    why="This is what the extension is for: the parts of one file, over several connections.",
    steps=(
        f"Given {PART_COUNT} partial uploads of {PART_SIZE} bytes.",
        "PATCH all of each, at the same time.",
        "  expects a 2xx; a note for 429 or 503, else a warning [concatenation.partial.create].",
        "Resume each at the offset from HEAD, and complete it.",
        "POST two final uploads of them at the same time, one in reverse order.",
        "  expects a 2xx; a note for a 4xx, else a warning [concatenation.final.order].",
        "Compare every byte of the final uploads.",
        "  expects every byte in place; else a failure [concatenation.final.order].",
    ),
)
async def concatenation(context: ScenarioContext) -> None:
    """Send partial uploads at once, and join them twice at once."""
    names = _names(PART_COUNT)
    for name in names:
        header = {"Upload-Concat": "partial"}
        await context.create_upload(GivenUpload(name=name, length=PART_SIZE, header=header))

    def patch(name: str) -> Branch:
        async def branch() -> None:
            response = await context.send("PATCH", RequestSpec(of=name, offset=0, send=PART_SIZE))
            context.expect(response, _stored("concatenation.partial.create"))

        return branch

    await context.run_concurrently(*map(patch, names))
    for name in names:
        await context.finish(FinishUpload(of=name))
    finals = await _join(context, {"f": tuple(names), "r": tuple(reversed(names))})
    await _finish_all(context, finals, _ORDER)


async def _join(context: ScenarioContext, orders: dict[str, tuple[str, ...]]) -> list[str]:
    """Create final uploads at the same time; return the names of those that were created."""
    created: list[str] = []

    def create(name: str) -> Branch:
        async def branch() -> None:
            response = await context.send("POST", RequestSpec(of=name, parts=orders[name]))
            context.expect(
                response,
                Expectation(
                    status="2xx",
                    checks=_ORDER,
                    note=(Condition(status="4xx", says="the server rejects these parts"),),
                    otherwise="warn",
                ),
            )
            if response.succeeded:
                created.append(name)

        return branch

    await context.run_concurrently(*map(create, orders))
    return sorted(created)


@function_scenario(
    id="concatenation.forty-parts",
    title="A final upload of forty partial uploads has all of their bytes in order",
    section="Concatenation",
    extension="concatenation",
    checks=(_ORDER,),
    needs=("concatenation",),
    why="A client splits a large file by size, not into two halves. Ten sorts before two as text.",
    steps=(
        f"Given {MANY_PARTS} partial uploads of {SMALL_PART} bytes, with metadata and all of them"
        " stored.",
        "POST a final upload of all of them.",
        "  expects a 2xx; a note for a 4xx, else a warning [concatenation.final.order].",
        "Compare every byte of the final upload.",
        "  expects every byte in place; else a failure [concatenation.final.order].",
    ),
)
async def forty_parts(context: ScenarioContext) -> None:
    """Join many partial uploads."""
    names = _names(MANY_PARTS)
    for name in names:
        given = GivenUpload(
            name=name,
            length=SMALL_PART,
            stored=SMALL_PART,
            metadata=PART_METADATA,
            header={"Upload-Concat": "partial"},
        )
        await context.create_upload(given)
    finals = await _join(context, {"f": tuple(names)})
    await _finish_all(context, finals, _ORDER)
