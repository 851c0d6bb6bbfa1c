"""Interruptions: connections that break, answers that are lost, requests that come twice.

Afterwards an upload is unsettled. What broke off may still be under way, so that the next PATCH
may find another offset than HEAD has told: nothing it is answered with is wrong, as long as bytes
are neither lost nor doubled.
"""

from __future__ import annotations

from tus_conformance.explorer.legal import completed, sized
from tus_conformance.explorer.model import Upload, World
from tus_conformance.explorer.move import Deck, Move, steps
from tus_scenarios import Step

breaks = Deck()

_PLACES = ("50%", "first", "last-but-one", "last")
_WAYS = ("fin", "rst", "half")


def _open(upload: Upload) -> bool:
    living = not upload.gone and not upload.used and upload.concat != "final"
    return living and upload.room > 0


def _broken(upload: Upload | None, move: Move, fault: str, more: str = "") -> tuple[Step, ...]:
    """Return a PATCH that something happens to, after which nobody knows how much is stored."""
    if upload is None:
        return ()
    size = sized(move, upload.room)
    upload.maybe(size)
    upload.unsettled = True
    text = """{ patch = { of = "$u", send = $n, faults = [$fault]$more },
      name = "broken-$u-$high" }"""
    # The highest offset grows with every such move, so that names are different.
    return steps(text, u=upload.name, n=size, fault=fault, more=more, high=upload.high)


def _cut(move: Move) -> str:
    place, way = _PLACES[move.shape % 4], _WAYS[move.shape // 4 % 3]
    return f'{{ at = "{place}", cut = "{way}" }}'


@breaks("cut")
def _cut_sized(world: World, move: Move) -> tuple[Step, ...]:
    return _broken(world.pick(move.who, _open), move, _cut(move))


@breaks("cut chunked")
def _cut_chunked(world: World, move: Move) -> tuple[Step, ...]:
    return _broken(world.pick(move.who, _open), move, _cut(move), ', framing = "chunked"')


@breaks("cut with a checksum", "checksum", "checksum:sha1")
def _cut_checksum(world: World, move: Move) -> tuple[Step, ...]:
    more = ', header = { Upload-Checksum = "sha1 {body.sha1}" }'
    return _broken(world.pick(move.who, _open), move, _cut(move), more)


@breaks("lose the answer")
def _lose(world: World, move: Move) -> tuple[Step, ...]:
    return _broken(world.pick(move.who, _open), move, '{ lose = "reply" }')


@breaks("send twice at once")
def _twice(world: World, move: Move) -> tuple[Step, ...]:
    return _broken(world.pick(move.who, _open), move, "{ duplicate = true }")


def _unsettled(upload: Upload) -> bool:
    return upload.unsettled and not upload.gone


@breaks("head after a break")
def _head(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, _unsettled)
    if upload is None:
        return ()
    text = """{ head = { of = "$u" }, within = 3, needed = true, expect = [
      { status = "2xx", header.Upload-Offset = { most = $high }, checks = "core.net.detect-errors",
        fail = [{ header.Upload-Offset = { least = $over },
          says = "it counts bytes that were never sent" }] } ] }"""
    return steps(text, u=upload.name, high=upload.high, over=upload.high + 1)


@breaks("patch after a break")
def _patch(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, lambda each: _unsettled(each) and each.room > 0)
    if upload is None:
        return ()
    size = sized(move, upload.room)
    upload.maybe(size)
    text = """{ head = { of = "$u" }, name = "before-$u-$high" },
      { patch = { of = "$u", send = $n }, expect = [
      { when.status = "2xx", header.Upload-Offset = { most = $high },
        checks = "core.patch.upload-offset-value" } ] }"""
    return steps(text, u=upload.name, n=size, high=upload.high)


@breaks("finish after a break")
def _finish(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, _unsettled)
    return () if upload is None else completed(upload)


@breaks("delete after a break", "termination")
def _delete(world: World, move: Move) -> tuple[Step, ...]:
    upload = world.pick(move.who, _unsettled)
    if upload is None:
        return ()
    upload.gone = True
    text = """{ delete = { of = "$u" }, within = 5, needed = true, expect = [
      { status = 204, checks = "termination.204", otherwise = "warn" } ] }"""
    return steps(text, u=upload.name)
