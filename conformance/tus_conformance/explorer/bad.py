"""Bad input: what must be refused, or may be, and must change nothing where it is.

Where a server may as well accept a request, its bytes are those that belong there; where it must
not, they belong elsewhere, so that every one that is stored is seen.
"""

from __future__ import annotations

from tus_conformance.explorer.legal import sized
from tus_conformance.explorer.model import Upload, World
from tus_conformance.explorer.move import Deck, Move, steps
from tus_scenarios import Step

bad = Deck()


def _takes_bytes(upload: Upload) -> bool:
    return upload.steady and upload.room > 0 and upload.declared


_UNCHANGED = """{ head = { of = "$u" }, needed = true, expect = [
  { header.Upload-Offset = "{$u.offset}", checks = "$row", otherwise = "fail" } ] }"""


def _refused(
    upload: Upload | None, move: Move, request: str, expect: str, row: str, **values: str
) -> tuple[Step, ...]:
    """Return a PATCH of bytes that do not belong there, and a look at what it changed."""
    if upload is None:
        return ()
    text = f"""{{ patch = {{ of = "$u", send = $n, at = $elsewhere, {request} }},
      expect = [{expect}] }}, {_UNCHANGED}"""
    size = sized(move, upload.room)
    elsewhere = upload.length + 11
    return steps(text, u=upload.name, n=size, elsewhere=elsewhere, row=row, **values)


@bad("patch at a wrong offset")
def _wrong_offset(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, _takes_bytes)
    if upload is None:
        return ()
    shift = "-1" if upload.low and move.shape % 2 else "+1"
    return _refused(
        upload,
        move,
        'offset = "{$u.offset$shift}"',
        """{ status = 409, checks = "core.patch.offset-mismatch-409", warn = [
          { status = [400, 413, 416], says = "refused for being out of range" } ] }""",
        "core.patch.offset-mismatch-no-change",
        shift=shift,
    )


@bad("patch without an offset")
def _no_offset(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        'omit = ["Upload-Offset"]',
        """{ status = [400, 409], checks = "core.patch.missing-offset", warn = [
          { status = ["4xx", "2xx"] } ] }""",
        "core.patch.missing-offset",
    )


@bad("patch at a malformed offset")
def _malformed_offset(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        'offset = "$offset"',
        """{ status = [400, 409], checks = "core.upload-offset.reject-invalid", warn = [
          { status = "4xx" } ] }""",
        "core.upload-offset.reject-invalid",
        offset=("abc", "-1", "")[move.shape % 3],
    )


@bad("patch of another version")
def _other_version(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        'header = { Tus-Resumable = "9.9.9" }',
        '{ status = 412, checks = "core.tus-resumable.unsupported-412" }',
        "core.tus-resumable.unsupported-not-processed",
    )


@bad("patch with a wrong checksum", "checksum", "checksum:sha1")
def _wrong_checksum(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        'header = { Upload-Checksum = "sha1 {body.sha1.wrong}" }',
        '{ status = "4xx", checks = "checksum.verify" }',
        "checksum.mismatch-offset",
    )


@bad("patch with a wrong checksum behind", "checksum-trailer")
def _wrong_trailer(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        """framing = "chunked", header = { Trailer = "Upload-Checksum" },
          trailer = { Upload-Checksum = "sha1 {body.sha1.wrong}" }""",
        """{ status = "4xx", checks = ["checksum-trailer.verify", "checksum.verify"],
          otherwise = "fail" }""",
        "checksum.mismatch-offset",
    )


@bad("patch with an unknown checksum", "checksum")
def _unknown_checksum(world: World, move: Move) -> tuple[Step, ...]:
    return _refused(
        world.pick(move.who, _takes_bytes),
        move,
        'header = { Upload-Checksum = "nosuchalgorithm {body.sha1}" }',
        """{ status = 400, checks = "checksum.unsupported-algorithm-400", warn = [
          { status = "4xx" } ] }""",
        "checksum.unsupported-algorithm-offset",
    )


def _either_way(
    upload: Upload | None, move: Move, request: str, expect: str, row: str
) -> tuple[Step, ...]:
    """Return a PATCH that may be accepted; then the answer and what is stored agree."""
    if upload is None:
        return ()
    size = sized(move, upload.room)
    upload.maybe(size)
    text = f"""{{ patch = {{ of = "$u", send = $n, {request} }}, expect = [{expect}] }},
      {_UNCHANGED}"""
    return steps(text, u=upload.name, n=size, row=row, other=upload.length + 100)


@bad("patch of another type")
def _other_type(world: World, move: Move) -> tuple[Step, ...]:
    return _either_way(
        world.pick(move.who, _takes_bytes),
        move,
        'header = { Content-Type = "text/plain" }',
        '{ status = 415, checks = "core.patch.content-type-415" }',
        "core.patch.content-type-not-applied",
    )


@bad("patch without a version")
def _no_version(world: World, move: Move) -> tuple[Step, ...]:
    return _either_way(
        world.pick(move.who, _takes_bytes),
        move,
        'omit = ["Tus-Resumable"]',
        '{ status = [400, 412], checks = "core.tus-resumable.missing" }',
        "core.tus-resumable.missing",
    )


@bad("patch with another length")
def _other_length(world: World, move: Move) -> tuple[Step, ...]:
    return _either_way(
        world.pick(move.who, _takes_bytes),
        move,
        "length = $other",
        '{ when.status = "2xx", header.Upload-Offset = true, checks ='
        ' "core.patch.upload-offset-present" }',
        "creation.defer-length.length-immutable",
    )


@bad("patch beyond the end")
def _beyond(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: each.steady and each.declared)
    if upload is None:
        return ()
    size = upload.length - upload.low + 1 + move.size
    upload.maybe(size)
    upload.unsettled = True
    framing = ("sized", "chunked")[move.shape % 2]
    text = """{ patch = { of = "$u", send = $n, framing = "$framing" }, needed = true, expect = [
        { status = "4xx", checks = "core.patch.exceeds-length",
          note = [{ status = "2xx", header.Upload-Offset = { most = $length } }],
          warn = [{ closed = true, says = "the connection was closed without an answer" }],
          fail = [{ status = "2xx", header.Upload-Offset = { least = $over } }] } ] },
      { head = { of = "$u" }, within = 5, needed = true, expect = [
        { status = "2xx", header.Upload-Offset = { most = $length },
          checks = "core.patch.exceeds-length", otherwise = "fail" } ] }"""
    length = upload.length
    return steps(text, u=upload.name, n=size, length=length, over=length + 1, framing=framing)


@bad("patch what is complete")
def _complete(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: each.steady and each.complete)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", offset = $length, send = $n }, expect = [
        { status = [204, "4xx"], header.Upload-Offset = [false, "$length"],
          checks = "core.patch.after-complete", warn = [{ closed = true }] } ] },
      { head = { of = "$u" }, needed = true, within = 2, expect = [
        { status = "2xx", header = { Upload-Offset = "$length", Upload-Length = "$length" },
          checks = "core.patch.after-complete", otherwise = "fail" } ] }"""
    return steps(text, u=upload.name, length=upload.length, n=5 * (move.shape % 2))


@bad("patch what is final", "concatenation")
def _final(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: each.concat == "final" and not each.parts)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", offset = $length, body = "hello" }, expect = [
        { status = 403, checks = "concatenation.final.patch-403" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header = { Upload-Offset = "$length", Upload-Length = "$length" },
          checks = "concatenation.final.patch-no-modify" } ] }"""
    return steps(text, u=upload.name, length=upload.length)


@bad("patch what never was")
def _unknown(_: World, move: Move) -> tuple[Step, ...]:
    text = """{ patch = { to = "{unknown}", offset = 0, body = "$body" }, expect = [
      { status = 404, checks = "core.patch.nonexistent-404", fail = [
        { status = "2xx", says = "bytes were written where no upload is" } ] } ] }"""
    return steps(text, body="hello"[: 1 + move.size % 5])


@bad("declare too little", "creation-defer-length")
def _too_little(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: each.steady and not each.declared and each.low > 0)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", length = $less }, needed = true, expect = [
        { status = "4xx", checks = "creation.defer-length.length-below-offset",
          otherwise = "warn" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header = { Upload-Offset = "{$u.offset}", Upload-Length = [false, { least = $low }] },
          checks = "creation.defer-length.length-below-offset", otherwise = "fail" } ] }"""
    return steps(text, u=upload.name, less=upload.low - 1, low=upload.low)


_CREATION = """{ post = { of = "$u", $request }, expect = [
  { status = $right, header.Location = false, checks = "$row", $more } ] }"""


def _creation(world: World, request: str, right: str, row: str, more: str) -> tuple[Step, ...]:
    """Return a creation that ought to be refused; the story never speaks of it again."""
    name = f"{world.name()}-refused"
    return steps(_CREATION, u=name, request=request, right=right, row=row, more=more)


@bad("create without a length", "creation")
def _no_length(world: World, _: Move) -> tuple[Step, ...]:
    note = 'note = [{ status = "4xx", header.Location = false }]'
    return _creation(world, "header = {}", "400", "creation.post.neither-length", note)


@bad("create with a malformed length", "creation")
def _malformed_length(world: World, move: Move) -> tuple[Step, ...]:
    more = 'warn = [{ status = "4xx", header.Location = false }], otherwise = "fail"'
    length = f'length = "{("abc", "-1", "1.5")[move.shape % 3]}"'
    return _creation(world, length, "400", "core.upload-length.reject-invalid", more)


@bad("create with both lengths", "creation-defer-length")
def _both_lengths(world: World, _: Move) -> tuple[Step, ...]:
    more = 'warn = [{ status = "2xx" }]'
    request = 'length = 10, defer = "1"'
    return _creation(world, request, "400", "creation.post.both-lengths", more)


@bad("join what never was", "concatenation")
def _join_unknown(world: World, _: Move) -> tuple[Step, ...]:
    request = 'header = { Upload-Concat = "final;{unknown}" }'
    more = 'otherwise = "fail"'
    return _creation(world, request, '"4xx"', "concatenation.final.bad-partials", more)


@bad("join what is not partial", "concatenation")
def _join_regular(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: each.steady and not each.concat and each.complete)
    if upload is None:
        return ()
    request = f'header = {{ Upload-Concat = "final;{{{upload.name}.path}}" }}'
    more = 'otherwise = "warn"'
    return _creation(world, request, '"4xx"', "concatenation.final.bad-partials", more)
