"""Bad input: what must be refused, or may be, and must change nothing where it is.

Where a server may as well accept a request, its bytes are those that belong there; where it must
not, they belong elsewhere, so that every one that is stored is seen.
"""

from __future__ import annotations

from tus_conformance.explorer.model import ModelState, ModelUpload
from tus_conformance.explorer.move import Move, MoveRegistry, steps
from tus_conformance.explorer.valid_requests import chosen_size
from tus_scenarios import Step

invalid_moves = MoveRegistry()


def _takes_bytes(upload: ModelUpload) -> bool:
    return upload.writable and upload.remaining > 0 and upload.declared


_UNCHANGED = """{ head = { of = "$u" }, needed = true, expect = [
  { header.Upload-Offset = "{$u.offset}", checks = "$row", otherwise = "fail" } ] }"""


def _refused_patch(
    upload: ModelUpload | None, move: Move, request: str, expect: str, row: str, **values: str
) -> tuple[Step, ...]:
    """Return a PATCH of bytes that do not belong there, and a look at what it changed."""
    if upload is None:
        return ()
    text = f"""{{ patch = {{ of = "$u", send = $n, at = $elsewhere, {request} }},
      expect = [{expect}] }}, {_UNCHANGED}"""
    size = chosen_size(move, upload.remaining)
    elsewhere = upload.length + 11
    return steps(text, u=upload.name, n=size, elsewhere=elsewhere, row=row, **values)


@invalid_moves("patch at a wrong offset")
def _wrong_offset(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, _takes_bytes)
    if upload is None:
        return ()
    shift = "-1" if upload.min_offset and move.shape % 2 else "+1"
    return _refused_patch(
        upload,
        move,
        'offset = "{$u.offset$shift}"',
        """{ status = 409, checks = "core.patch.offset-mismatch-409", warn = [
          { status = [400, 413, 416], says = "refused as out of range" } ] }""",
        "core.patch.offset-mismatch-no-change",
        shift=shift,
    )


@invalid_moves("patch without an offset")
def _no_offset(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'omit = ["Upload-Offset"]',
        """{ status = [400, 409], checks = "core.patch.missing-offset", warn = [
          { status = ["4xx", "2xx"] } ] }""",
        "core.patch.missing-offset",
    )


@invalid_moves("patch at a malformed offset")
def _malformed_offset(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'offset = "$offset"',
        """{ status = [400, 409], checks = "core.upload-offset.reject-invalid", warn = [
          { status = "4xx" } ] }""",
        "core.upload-offset.reject-invalid",
        offset=("abc", "-1", "")[move.shape % 3],
    )


@invalid_moves("patch of another version")
def _other_version(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'header = { Tus-Resumable = "9.9.9" }',
        '{ status = 412, checks = "core.tus-resumable.unsupported-412" }',
        "core.tus-resumable.unsupported-not-processed",
    )


@invalid_moves("patch with a wrong checksum", "checksum", "checksum:sha1")
def _wrong_checksum(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'header = { Upload-Checksum = "sha1 {body.sha1.wrong}" }',
        '{ status = "4xx", checks = "checksum.verify" }',
        "checksum.mismatch-offset",
    )


@invalid_moves("patch with a wrong checksum behind", "checksum-trailer")
def _wrong_trailer(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        """framing = "chunked", header = { Trailer = "Upload-Checksum" },
          trailer = { Upload-Checksum = "sha1 {body.sha1.wrong}" }""",
        """{ status = "4xx", checks = ["checksum-trailer.verify", "checksum.verify"],
          otherwise = "fail" }""",
        "checksum.mismatch-offset",
    )


@invalid_moves("patch with an unknown checksum", "checksum")
def _unknown_checksum(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _refused_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'header = { Upload-Checksum = "nosuchalgorithm {body.sha1}" }',
        """{ status = 400, checks = "checksum.unsupported-algorithm-400", warn = [
          { status = "4xx" } ] }""",
        "checksum.unsupported-algorithm-offset",
    )


def _optional_patch(
    upload: ModelUpload | None, move: Move, request: str, expect: str, row: str
) -> tuple[Step, ...]:
    """Return a PATCH that may be accepted; then the answer and what is stored agree."""
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining)
    upload.add_uncertain(size)
    text = f"""{{ patch = {{ of = "$u", send = $n, {request} }}, expect = [{expect}] }},
      {_UNCHANGED}"""
    return steps(text, u=upload.name, n=size, row=row, other=upload.length + 100)


@invalid_moves("patch of another type")
def _other_type(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _optional_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'header = { Content-Type = "text/plain" }',
        '{ status = 415, checks = "core.patch.content-type-415" }',
        "core.patch.content-type-not-applied",
    )


@invalid_moves("patch without a version")
def _no_version(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _optional_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        'omit = ["Tus-Resumable"]',
        '{ status = [400, 412], checks = "core.tus-resumable.missing" }',
        "core.tus-resumable.missing",
    )


@invalid_moves("patch with another length")
def _other_length(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _optional_patch(
        state.choose_upload(move.who, _takes_bytes),
        move,
        "length = $other",
        '{ when.status = "2xx", header.Upload-Offset = true, checks ='
        ' "core.patch.upload-offset-present" }',
        "creation.defer-length.length-immutable",
    )


@invalid_moves("patch beyond the end")
def _beyond(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable and each.declared)
    if upload is None:
        return ()
    size = upload.length - upload.min_offset + 1 + move.size
    upload.add_uncertain(size)
    upload.uncertain = True
    framing = ("sized", "chunked")[move.shape % 2]
    text = """{ patch = { of = "$u", send = $n, framing = "$framing" }, needed = true, expect = [
        { status = "4xx", checks = "core.patch.exceeds-length",
          note = [{ status = "2xx", header.Upload-Offset = { most = $length } }],
          warn = [{ closed = true, says = "the connection was closed without a response" }],
          fail = [{ status = "2xx", header.Upload-Offset = { least = $over } }] } ] },
      { head = { of = "$u" }, within = 5, needed = true, expect = [
        { status = "2xx", header.Upload-Offset = { most = $length },
          checks = "core.patch.exceeds-length", otherwise = "fail" } ] }"""
    length = upload.length
    return steps(text, u=upload.name, n=size, length=length, over=length + 1, framing=framing)


@invalid_moves("patch what is complete")
def _complete(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable and each.complete)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", offset = $length, send = $n }, expect = [
        { status = [204, "4xx"], header.Upload-Offset = [false, "$length"],
          checks = "core.patch.after-complete", warn = [{ closed = true }] } ] },
      { head = { of = "$u" }, needed = true, within = 2, expect = [
        { status = "2xx", header = { Upload-Offset = "$length", Upload-Length = "$length" },
          checks = "core.patch.after-complete", otherwise = "fail" } ] }"""
    return steps(text, u=upload.name, length=upload.length, n=5 * (move.shape % 2))


@invalid_moves("patch what is final", "concatenation")
def _final(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.concat == "final" and not each.parts)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", offset = $length, body = "hello" }, expect = [
        { status = 403, checks = "concatenation.final.patch-403" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header = { Upload-Offset = "$length", Upload-Length = "$length" },
          checks = "concatenation.final.patch-no-modify" } ] }"""
    return steps(text, u=upload.name, length=upload.length)


@invalid_moves("patch what never was")
def _unknown(_: ModelState, move: Move) -> tuple[Step, ...]:
    text = """{ patch = { to = "{unknown}", offset = 0, body = "$body" }, expect = [
      { status = 404, checks = "core.patch.nonexistent-404", fail = [
        { status = "2xx", says = "bytes were written to an upload that does not exist" } ] } ] }"""
    return steps(text, body="hello"[: 1 + move.size % 5])


@invalid_moves("declare too little", "creation-defer-length")
def _too_little(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(
        move.who, lambda each: each.writable and not each.declared and each.min_offset > 0
    )
    if upload is None:
        return ()
    text = """{ patch = { of = "$u", length = $less }, needed = true, expect = [
        { status = "4xx", checks = "creation.defer-length.length-below-offset",
          otherwise = "warn" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header = { Upload-Offset = "{$u.offset}",
            Upload-Length = [false, { least = $min_offset }] },
          checks = "creation.defer-length.length-below-offset", otherwise = "fail" } ] }"""
    return steps(text, u=upload.name, less=upload.min_offset - 1, min_offset=upload.min_offset)


_CREATION = """{ post = { of = "$u", $request }, expect = [
  { status = $right, header.Location = false, checks = "$row", $more } ] }"""


def _refused_creation(
    state: ModelState, request: str, right: str, row: str, more: str
) -> tuple[Step, ...]:
    """Return a creation that must be refused; the sequence does not use its upload."""
    name = f"{state.name()}-refused"
    return steps(_CREATION, u=name, request=request, right=right, row=row, more=more)


@invalid_moves("create without a length", "creation")
def _no_length(state: ModelState, _: Move) -> tuple[Step, ...]:
    note = 'note = [{ status = "4xx", header.Location = false }]'
    return _refused_creation(state, "header = {}", "400", "creation.post.neither-length", note)


@invalid_moves("create with a malformed length", "creation")
def _malformed_length(state: ModelState, move: Move) -> tuple[Step, ...]:
    more = 'warn = [{ status = "4xx", header.Location = false }], otherwise = "fail"'
    length = f'length = "{("abc", "-1", "1.5")[move.shape % 3]}"'
    return _refused_creation(state, length, "400", "core.upload-length.reject-invalid", more)


@invalid_moves("create with both lengths", "creation-defer-length")
def _both_lengths(state: ModelState, _: Move) -> tuple[Step, ...]:
    more = 'warn = [{ status = "2xx" }]'
    request = 'length = 10, defer = "1"'
    return _refused_creation(state, request, "400", "creation.post.both-lengths", more)


@invalid_moves("join what never was", "concatenation")
def _join_unknown(state: ModelState, _: Move) -> tuple[Step, ...]:
    request = 'header = { Upload-Concat = "final;{unknown}" }'
    more = 'otherwise = "fail"'
    return _refused_creation(state, request, '"4xx"', "concatenation.final.bad-partials", more)


@invalid_moves("join what is not partial", "concatenation")
def _join_regular(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(
        move.who, lambda each: each.writable and not each.concat and each.complete
    )
    if upload is None:
        return ()
    request = f'header = {{ Upload-Concat = "final;{{{upload.name}.path}}" }}'
    more = 'otherwise = "warn"'
    return _refused_creation(state, request, '"4xx"', "concatenation.final.bad-partials", more)
