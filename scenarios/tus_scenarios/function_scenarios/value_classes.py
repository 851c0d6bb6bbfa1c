"""Values that are computed: every letter of Base64, every legal byte of a key, long metadata."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from tus_scenarios.context import ScenarioContext, ScenarioUpload
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

LENGTH, LARGEST = 1000, 64
"""Bytes: of the upload with checksums, and of its largest PATCH."""

PATCHES = 10
"""How many PATCHes show letters of Base64."""

SIZES = (1024, 4096, 8192)
"""Bytes of metadata that are sent in one creation."""

KEY = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ",")
"""Every printable ASCII character but space and comma, as one key."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ECHO, _REJECT = "creation.metadata.head-echo", "creation.metadata.may-reject"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sha1(upload: ScenarioUpload, start: int, size: int) -> str:
    digest = hashlib.sha1(upload.content(start, start + size), usedforsecurity=False).digest()
    return _encode(digest)


def _choose_sizes(upload: ScenarioUpload) -> Iterator[int]:
    """Yield sizes of PATCHes whose checksums together show as many letters as possible."""
    start, seen = 0, set[str]()
    for _ in range(PATCHES):
        size = max(
            range(1, LARGEST + 1), key=lambda each: len(set(_sha1(upload, start, each)) - seen)
        )
        seen |= set(_sha1(upload, start, size))
        yield size
        start += size


@function_scenario(
    id="values.base64-alphabet",
    title="Correct checksums are accepted whatever letters of Base64 they have",
    section="Checksum",
    extension="checksum",
    checks=("checksum.verify",),
    needs=("checksum",),
    why="A decoder for another alphabet fails with some digests, so uploads fail by chance.",
    steps=(
        f"Given an upload of {LENGTH} bytes.",
        f"{PATCHES} times: PATCH as many bytes that the sha1 has letters of Base64 that no"
        " checksum before had.",
        "  expects a 2xx; else a failure [checksum.verify].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [checksum.verify].",
    ),
)
async def base64_alphabet(context: ScenarioContext) -> None:
    """Send checksums with every letter of Base64."""
    upload = await context.create_upload(GivenUpload(length=LENGTH))
    for size in list(_choose_sizes(upload)):
        checksum = f"sha1 {_sha1(upload, upload.offset, size)}"
        response = await context.send(
            "PATCH", RequestSpec(send=size, header={"Upload-Checksum": checksum})
        )
        if not context.expect(response, Expectation(status="2xx", checks="checksum.verify")):
            break
    await context.finish(FinishUpload(), Expectation(intact=True, checks="checksum.verify"))


async def _expect_echo(context: ScenarioContext, metadata: str) -> None:
    """Create an upload with metadata, and compare what HEAD returns of it."""
    response = await context.send("POST", RequestSpec(length=LENGTH, metadata=metadata))
    context.expect(response, Expectation(status=201, checks=_REJECT))
    if response.status != 201 or response.header("Location") is None:
        return
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(
            when=Condition(status="2xx"),
            header={"Upload-Metadata": HeaderMatcher(metadata="{upload.metadata}")},
            checks=_ECHO,
            warn=(
                Condition(
                    header={"Upload-Metadata": False},
                    says="this is valid only if the server ignores metadata, which it may do",
                ),
            ),
        ),
    )


_ECHO_STEPS = (
    f"  expects status 201; else a note [{_REJECT}].",
    "HEAD the upload.",
    "  expects Upload-Metadata with the same pairs; a warning for no Upload-Metadata (this is valid"
    f" only if the server ignores metadata, which it may do), else a failure [{_ECHO}].",
)


@function_scenario(
    id="values.metadata-size",
    title="HEAD returns long metadata completely",
    section="Creation/Headers/Upload-Metadata",
    extension="creation",
    checks=(_REJECT, _ECHO),
    needs=("creation",),
    why="Clients put paths and signatures into metadata. If it is cut off, they are lost.",
    steps=(
        f"POST a new upload of {LENGTH} bytes with {', '.join(map(str, SIZES))} bytes of metadata,"
        " one upload for each.",
        *_ECHO_STEPS,
    ),
)
async def metadata_sizes(context: ScenarioContext) -> None:
    """Send metadata of several sizes."""
    for size in SIZES:
        await _expect_echo(context, f"filename aGVsbG8udHh0,note {_encode(b'x' * (size * 3 // 4))}")


@function_scenario(
    id="values.metadata-characters",
    title="HEAD returns metadata with every legal character of a key and letter of Base64",
    section="Creation/Headers/Upload-Metadata",
    extension="creation",
    checks=(_REJECT, _ECHO),
    needs=("creation",),
    why="A server that encodes metadata again, or takes keys for tokens, changes some characters.",
    steps=(
        f"POST a new upload of {LENGTH} bytes with metadata: a key of every printable ASCII"
        " character but space and comma, and a value with every letter of Base64; then another"
        " with three keys of equal values.",
        *_ECHO_STEPS,
    ),
)
async def metadata_characters(context: ScenarioContext) -> None:
    """Send metadata with unusual characters."""
    await _expect_echo(context, f"{KEY} YQ==,letters {_LETTERS}")
    await _expect_echo(context, "a YQ==,b YQ==,c YQ==")
