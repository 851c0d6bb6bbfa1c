"""Interruptions: connections that break, answers that are lost, requests that come twice.

Afterwards an upload is unsettled. What broke off may still be under way, so that the next PATCH
may find another offset than HEAD reported: no response to it is wrong, as long as bytes
are neither lost nor doubled.
"""

from __future__ import annotations

from tus_conformance.explorer.model import ModelState, ModelUpload
from tus_conformance.explorer.move import Move, MoveRegistry, steps
from tus_conformance.explorer.valid_requests import chosen_size, finish_steps
from tus_scenarios import Step

interrupted_moves = MoveRegistry()

_PLACES = ("50%", "first", "last-but-one", "last")
_WAYS = ("fin", "rst", "half")


def _accepts_bytes(upload: ModelUpload) -> bool:
    living = not upload.deleted and not upload.joined and upload.concat != "final"
    return living and upload.remaining > 0


def _interrupted_patch(
    upload: ModelUpload | None, move: Move, fault: str, more: str = ""
) -> tuple[Step, ...]:
    """Return a PATCH that something happens to, after which nobody knows how much is stored."""
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining)
    upload.add_uncertain(size)
    upload.uncertain = True
    text = """{ patch = { of = "$u", send = $n, faults = [$fault]$more },
      name = "broken-$u-$max_offset" }"""
    # The highest offset grows with every such move, so that names are different.
    return steps(text, u=upload.name, n=size, fault=fault, more=more, max_offset=upload.max_offset)


def _cut(move: Move) -> str:
    place, way = _PLACES[move.shape % 4], _WAYS[move.shape // 4 % 3]
    return f'{{ at = "{place}", cut = "{way}" }}'


@interrupted_moves("cut")
def _cut_sized(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _interrupted_patch(state.choose_upload(move.who, _accepts_bytes), move, _cut(move))


@interrupted_moves("cut chunked")
def _cut_chunked(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _interrupted_patch(
        state.choose_upload(move.who, _accepts_bytes), move, _cut(move), ', framing = "chunked"'
    )


@interrupted_moves("cut with a checksum", "checksum", "checksum:sha1")
def _cut_checksum(state: ModelState, move: Move) -> tuple[Step, ...]:
    more = ', header = { Upload-Checksum = "sha1 {body.sha1}" }'
    return _interrupted_patch(state.choose_upload(move.who, _accepts_bytes), move, _cut(move), more)


@interrupted_moves("lose the answer")
def _lose(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _interrupted_patch(
        state.choose_upload(move.who, _accepts_bytes), move, '{ lose = "reply" }'
    )


@interrupted_moves("send twice at once")
def _twice(state: ModelState, move: Move) -> tuple[Step, ...]:
    return _interrupted_patch(
        state.choose_upload(move.who, _accepts_bytes), move, "{ duplicate = true }"
    )


def _is_uncertain(upload: ModelUpload) -> bool:
    return upload.uncertain and not upload.deleted


@interrupted_moves("head after a break")
def _head(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, _is_uncertain)
    if upload is None:
        return ()
    text = """{ head = { of = "$u" }, within = 3, needed = true, expect = [
      { status = "2xx", header.Upload-Offset = { most = $max_offset },
        checks = "core.net.detect-errors",
        fail = [{ header.Upload-Offset = { least = $over },
          says = "the offset counts bytes that were never sent" }] } ] }"""
    return steps(text, u=upload.name, max_offset=upload.max_offset, over=upload.max_offset + 1)


@interrupted_moves("patch after a break")
def _patch(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, lambda each: _is_uncertain(each) and each.remaining > 0)
    if upload is None:
        return ()
    size = chosen_size(move, upload.remaining)
    upload.add_uncertain(size)
    text = """{ head = { of = "$u" }, name = "before-$u-$max_offset" },
      { patch = { of = "$u", send = $n }, expect = [
      { when.status = "2xx", header.Upload-Offset = { most = $max_offset },
        checks = "core.patch.upload-offset-value" } ] }"""
    return steps(text, u=upload.name, n=size, max_offset=upload.max_offset)


@interrupted_moves("finish after a break")
def _finish(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, _is_uncertain)
    return () if upload is None else finish_steps(upload)


@interrupted_moves("delete after a break", "termination")
def _delete(state: ModelState, move: Move) -> tuple[Step, ...]:
    upload = state.choose_upload(move.who, _is_uncertain)
    if upload is None:
        return ()
    upload.deleted = True
    text = """{ delete = { of = "$u" }, within = 5, needed = true, expect = [
      { status = 204, checks = "termination.204", otherwise = "warn" } ] }"""
    return steps(text, u=upload.name)
