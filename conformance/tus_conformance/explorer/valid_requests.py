"""Legal moves: what clients do, and what they may rely on."""

from __future__ import annotations

from tus_conformance.explorer.model import ModelState, ModelUpload
from tus_conformance.explorer.move import Move, MoveRegistry, steps
from tus_scenarios import Step

valid_moves = MoveRegistry()

LENGTHS = (10, 1, 100, 0, 2, 65537)
_METADATA = ("filename dXBsb2FkLmJpbg==,filetype dGV4dC9wbGFpbg==", "filename d8O8cnN0LnR4dA==")
_TYPE = "application/offset+octet-stream"


def chosen_size(move: Move, most: int) -> int:
    """Return a size from 1 to `most`: small as it is drawn, or all there is."""
    return max(1, min(move.size, most)) if move.shape % 3 else most


def _length(move: Move) -> int:
    return LENGTHS[move.shape % len(LENGTHS)]


def _takes_bytes(upload: ModelUpload) -> bool:
    return upload.writable and upload.remaining > 0


@valid_moves("create", "creation", plain=True)
def _create(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.add(ModelUpload(state.name(), _length(move)))
    return steps(_POST, u=upload.name, length=upload.length, more="")


@valid_moves("create with metadata", "creation")
def _create_with_metadata(state: ModelState, move: Move) -> tuple[Step, ...]:
    metadata = _METADATA[move.size % len(_METADATA)]
    upload = state.add(ModelUpload(state.name(), _length(move), metadata=metadata))
    more = f', metadata = "{metadata}"'
    return steps(_POST, u=upload.name, length=upload.length, more=more)


@valid_moves("create partial", "concatenation")
def _create_partial(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.add(ModelUpload(state.name(), _length(move), "partial"))
    more = ', header = { Upload-Concat = "partial" }'
    return steps(_POST, u=upload.name, length=upload.length, more=more)


_POST = """{ post = { of = "$u", length = $length$more }, needed = true, expect = [
  { status = "2xx", header.Location = true, checks = "creation.post.201" } ] }"""


@valid_moves("create deferred", "creation-defer-length")
def _create_deferred(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.add(ModelUpload(state.name(), max(1, _length(move)), declared=False))
    text = '{ given = { name = "$u", length = $length, deferred = true } }'
    return steps(text, u=upload.name, length=upload.length)


@valid_moves("create with bytes", "creation-with-upload")
def _create_with_bytes(state: ModelState, move: Move) -> tuple[Step, ...]:
    length = max(1, _length(move))
    upload = state.add(ModelUpload(state.name(), length))
    size = min(max(1, move.size), length)
    upload.add_uncertain(size)
    text = """{ post = { of = "$u", length = $length, send = $n, header.Content-Type = "$type" },
      needed = true, expect = [
        { status = 201, header.Location = true, checks = "creation-with-upload.patch-rules" },
        { when.header.Upload-Offset = true, header.Upload-Offset = { most = $n },
          checks = "creation-with-upload.accept-bytes", otherwise = "fail" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { when.status = "2xx", header.Upload-Offset = "{$u.offset}",
          checks = "creation-with-upload.upload-offset-value" } ] }"""
    return steps(text, u=upload.name, length=length, n=size, type=_TYPE)


_ANSWER = """{ status = "2xx", checks = "core.patch.accept" },
  { when.status = "2xx", header.Upload-Offset = "{$u.offset+$n}",
    checks = "core.patch.upload-offset-value", warn = [
      { header.Upload-Offset = { least = "{$u.offset}", most = "{$u.offset+$n}" },
        says = "fewer bytes were stored than were sent" } ] }"""


def _patch(upload: ModelUpload | None, move: Move, more: str = "") -> tuple[Step, ...]:
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining)
    upload.add_stored(size)
    text = f'{{ patch = {{ of = "$u", send = $n$more }}, needed = true, expect = [{_ANSWER}] }}'
    return steps(text, u=upload.name, n=size, more=more)


@valid_moves("patch", plain=True)
def _patch_plainly(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _patch(state.choose_upload(move.who, _takes_bytes), move)


@valid_moves("patch chunked")
def _patch_chunked(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _patch(state.choose_upload(move.who, _takes_bytes), move, ', framing = "chunked"')


@valid_moves("patch by override")
def _patch_by_override(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, _takes_bytes)
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining)
    upload.add_uncertain(size)
    text = """{ request = { method = "POST", to = "{$u}", of = "$u", send = $n,
      offset = "{$u.offset}",
      header = { X-HTTP-Method-Override = "PATCH", Content-Type = "$type" } },
      name = "override-$u-$h", needed = true, expect = [
        { status = 204, checks = "core.method-override.honoured" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { when.status = "2xx", header.Upload-Offset = "{$u.offset}",
          checks = "core.method-override.honoured" } ] }"""
    return steps(text, u=upload.name, n=size, type=_TYPE, h=upload.max_offset)


@valid_moves("patch with checksum", "checksum", "checksum:sha1")
def _patch_with_checksum(state: ModelState, move: Move) -> tuple[Step, ...]:
    more = ', header = { Upload-Checksum = "sha1 {body.sha1}" }'
    return _patch(state.choose_upload(move.who, _takes_bytes), move, more)


@valid_moves("patch with checksum behind", "checksum-trailer")
def _patch_with_trailer(state: ModelState, move: Move) -> tuple[Step, ...]:
    more = (
        ', framing = "chunked", header = { Trailer = "Upload-Checksum" }'
        ', trailer = { Upload-Checksum = "sha1 {body.sha1}" }'
    )
    return _patch(state.choose_upload(move.who, _takes_bytes), move, more)


@valid_moves("patch in pieces")
def _patch_in_pieces(state: ModelState, move: Move) -> tuple[Step, ...]:
    fault = ('{ pieces = 1, at = "-9" }', '{ split = true, at = "50%" }')[move.size % 2]
    return _patch(state.choose_upload(move.who, _takes_bytes), move, f", faults = [{fault}]")


@valid_moves("patch empty")
def _patch_empty(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable and not each.complete)
    if upload is None:
        return ()
    text = """{ patch = { of = "$u" }, expect = [
        { status = "2xx", header.Upload-Offset = "{$u.offset}", checks = "core.patch.zero-length" }
      ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header.Upload-Offset = "{$u.offset}", checks = "core.patch.zero-length",
          otherwise = "fail" } ] }"""
    return steps(text, u=upload.name)


@valid_moves("declare", "creation-defer-length")
def _declare(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable and not each.declared)
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining) if upload.remaining and move.size else 0
    upload.add_stored(size)
    upload.declared = True
    send = f", send = {size}" if size else ""
    text = """{ patch = { of = "$u", length = $length$send }, needed = true, expect = [
        { status = "2xx", header.Upload-Offset = "{$u.offset+$n}",
          checks = "creation.defer-length.declare-in-patch" } ] },
      { head = { of = "$u" }, needed = true, expect = [
        { header.Upload-Length = "$length", checks = "creation.defer-length.declare-in-patch" } ] }
    """
    return steps(text, u=upload.name, length=upload.length, send=send, n=size)


@valid_moves("head", plain=True)
def _head(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable)
    return () if upload is None else head_steps(upload)


def head_steps(upload: ModelUpload) -> tuple[Step, ...]:
    """Return the steps that ask for a steady upload, with everything that HEAD must report."""
    length = """{ when.status = "2xx", header.Upload-Length = { least = $length, most = $length },
      checks = "core.head.upload-length" }"""
    deferred = """{ when.status = "2xx", header.Upload-Defer-Length = true,
      checks = "creation.defer-length.head" }"""
    metadata = """, { when.status = "2xx", header.Upload-Metadata = { metadata = "{$u.metadata}" },
      checks = "creation.metadata.head-echo" }"""
    known = length if upload.declared else deferred
    known += metadata if upload.metadata else ""
    text = f"""{{ head = {{ of = "$u" }}, needed = true, expect = [
      {{ status = "2xx", header.Upload-Offset = "{{$u.offset}}",
        checks = "core.head.offset-accurate", otherwise = "fail" }}, {known} ] }}"""
    return steps(text, u=upload.name, length=upload.length)


@valid_moves("delete", "termination")
def _delete(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable)
    if upload is None:
        return ()
    upload.deleted = True
    row = "termination.completed" if upload.complete else "termination.204"
    text = '{ delete = { of = "$u" }, needed = true, expect = [{ status = 204, checks = "$row" }] }'
    return steps(text, u=upload.name, row=row)


@valid_moves("look for what is gone", "termination")
def _gone(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.deleted)
    if upload is None:
        return ()
    text = """{ head = { of = "$u" }, needed = true, expect = [
        { status = [404, 410, 403], checks = "termination.gone", fail = [
          { status = "2xx", says = "the upload still exists" } ] } ] },
      { patch = { of = "$u", send = 1 }, needed = true, expect = [
        { status = [404, 410], checks = "termination.gone", fail = [
          { status = "2xx", says = "the removed upload accepts bytes" } ] } ] }"""
    return steps(text, u=upload.name)


@valid_moves("finish", plain=True)
def _finish(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: each.writable)
    return () if upload is None else finish_steps(upload)


def finish_steps(upload: ModelUpload) -> tuple[Step, ...]:
    """Return the step that completes an upload and compares every byte."""
    row = "core.net.detect-errors" if upload.uncertain else "core.patch.apply-at-offset"
    grade = "warn" if upload.uncertain else "fail"
    within = ", within = 5" if upload.uncertain else ""
    upload.mark_complete()
    text = """{ finish = { of = "$u" }, needed = true$within, expect = [
      { intact = true, checks = "$row", otherwise = "$grade" } ] }"""
    return steps(text, u=upload.name, row=row, grade=grade, within=within)


@valid_moves("join", "concatenation")
def _join(state: ModelState, move: Move) -> tuple[Step, ...]:
    parts = _choose_parts(state, move, lambda each: each.complete)
    return _join_steps(state, parts) if parts else ()


@valid_moves("join unfinished", "concatenation", "concatenation-unfinished")
def _join_unfinished(state: ModelState, move: Move) -> tuple[Step, ...]:
    parts = _choose_parts(state, move, lambda _: True)
    if not parts or all(part.complete for part in parts):
        return ()
    final_upload = state.add(
        ModelUpload(state.name(), sum(part.length for part in parts), "final", parts=tuple(parts))
    )
    return steps(_FINAL, u=final_upload.name, parts=_format_names(parts))


def _choose_parts(state: ModelState, move: Move, like: object) -> list[ModelUpload]:
    assert callable(like)
    found = [each for each in state.uploads if each.writable and each.concat and like(each)]
    return found[: 1 + move.size % 3][:: -1 if move.shape % 2 else 1]


def _join_steps(state: ModelState, parts: list[ModelUpload]) -> tuple[Step, ...]:
    final_upload = state.add(ModelUpload(state.name(), sum(part.length for part in parts), "final"))
    for part in parts:
        part.joined = True  # a server may delete parts once they are joined
    return steps(_FINAL, u=final_upload.name, parts=_format_names(parts)) + final_upload_steps(
        final_upload
    )


def _format_names(parts: list[ModelUpload]) -> str:
    return ", ".join(f'"{part.name}"' for part in parts)


_FINAL = """{ post = { of = "$u", parts = [$parts] }, needed = true, expect = [
  { status = "2xx", header.Location = true, checks = "creation.post.201" } ] }"""


def final_upload_steps(final: ModelUpload) -> tuple[Step, ...]:
    """Return the steps that look whether a final upload, its parts complete, is whole."""
    row = "concatenation-unfinished.finishes" if final.parts else "concatenation.final.length-sum"
    text = """{ head = { of = "$u" }, within = 5, needed = true, expect = [
        { header = { Upload-Length = "$length", Upload-Offset = "$length" }, checks = "$row" } ] },
      { finish = { of = "$u" }, needed = true, expect = [
        { intact = true, checks = "concatenation.final.order" } ] }"""
    return steps(text, u=final.name, length=final.length, row=row)
