"""Finishing an upload as a client would: ask where it stands, send the rest, look at every byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tus_conformance.dialogue.content import Comparison
from tus_conformance.dialogue.headers import is_integer
from tus_conformance.dialogue.probing import GONE
from tus_conformance.dialogue.stopping import Stopped
from tus_conformance.target import program
from tus_scenarios import Request

if TYPE_CHECKING:
    from tus_conformance.dialogue.reply import Reply
    from tus_conformance.dialogue.uploads import Upload
    from tus_conformance.telling.telling import Telling


_OUTDONE = frozenset({400, 409, 423})
"""Answers to a PATCH in whose place one goes on that was given up, and arrives late."""


async def finished(telling: Telling, upload: Upload) -> Reply:
    """Resume an upload by what HEAD says and complete it; the reply tells whether it is intact."""
    head, stored = await _offset(telling, upload)
    forgets = telling.session.discovery.forgets_complete_uploads
    if forgets and _is_complete_and_gone(upload, head):
        return await _compared(telling, upload, head)
    if stored is None:
        return _broken(head, f"HEAD got {_shown(head)}, so it cannot be resumed")
    if upload.length is None:
        return _broken(head, "its length is not known")
    if stored > upload.length:
        return _damaged(head, f"HEAD says {stored} bytes of an upload of {upload.length}")
    if stored < upload.length or not upload.declared:
        head = await _resumed(telling, upload, stored, upload.length)
    return head if head.intact is False else await _compared(telling, upload, head)


async def _resumed(telling: Telling, upload: Upload, stored: int, length: int) -> Reply:
    """Send what is missing, as often as the server is then further on; return the last HEAD."""
    while True:
        declared = None if upload.declared else length
        rest = Request(of=upload.name, offset=stored, send="rest", length=declared)
        sent = await telling.send("PATCH", rest)
        if not sent.succeeded and sent.status not in _OUTDONE:
            return _refused(sent, stored)
        head, now = await _offset(telling, upload)
        if not sent.succeeded and not (now is not None and stored < now < length):
            return _refused(sent, stored)
        if now == length or _is_complete_and_gone(upload, head):
            return head
        if now is not None and now > length:
            return _damaged(head, f"HEAD says {now} bytes of an upload of {length}")
        if now is None or now <= stored:
            return _broken(head, f"after the rest was sent from {stored}, HEAD got {_shown(head)}")
        stored = now


def _is_complete_and_gone(upload: Upload, head: Reply) -> bool:
    """Tell whether an answer called it complete; that HEAD still finds it is another row."""
    return upload.offset == upload.length and head.status in GONE


async def _offset(telling: Telling, upload: Upload) -> tuple[Reply, int | None]:
    head = await telling.send("HEAD", Request(of=upload.name))
    offset = head.header("Upload-Offset")
    if not head.succeeded or offset is None or not is_integer(offset):
        return head, None
    return head, int(offset)


async def _compared(telling: Telling, upload: Upload, head: Reply) -> Reply:
    if upload.foreign:
        return _unverified(head, "bytes of another origin were accepted")
    comparison = Comparison(upload.body)
    if not telling.session.discovery.observed("download"):
        return await _read(telling, upload, head, comparison)
    reply = await telling.fetch(upload, comparison)
    if not reply.succeeded:
        return _unverified(head, f"GET got {_shown(reply)}")
    return _weighed(reply, comparison, upload.length or 0)


async def _read(telling: Telling, upload: Upload, head: Reply, comparison: Comparison) -> Reply:
    """Compare what the profile's `read` command prints, where there is no download."""
    command = telling.session.target.profile.commands.read
    if command is None:
        return _unverified(head, "the server offers no download")
    last = unquote(urlsplit(upload.url).path.rstrip("/").rpartition("/")[2])
    try:
        comparison.feed(await program.output(command, url=upload.url, id=last))
    except program.ProgramError as failed:
        raise Stopped("error", str(failed)) from None
    came, length = comparison.position, upload.length or 0
    if comparison.difference is not None:
        return _damaged(head, f"byte {comparison.difference} of what is stored is not the one sent")
    if came != length:
        return _damaged(head, f"{came} bytes are stored of {length}")
    return replace(head, intact=True, story="complete, and every stored byte is right")


def _weighed(download: Reply, comparison: Comparison, length: int) -> Reply:
    came = comparison.position
    if comparison.difference is not None:
        wrong = f"byte {comparison.difference} of the download is not the one sent"
        return _damaged(download, wrong)
    if not download.answer.complete:
        return _broken(download, f"the download broke off after {came} of {length} bytes")
    if came != length:
        return _damaged(download, f"the download has {came} bytes of {length}")
    return replace(download, intact=True, story="complete, and every byte of the download is right")


def _shown(reply: Reply) -> str:
    if reply.status is None:
        return "nothing"
    offset = reply.header("Upload-Offset")
    return f"{reply.status}" + (f" and Upload-Offset {offset}" if offset is not None else "")


def _refused(sent: Reply, stored: int) -> Reply:
    return _broken(sent, f"the PATCH of the rest at {stored} got {_shown(sent)}")


def _unverified(head: Reply, why: str) -> Reply:
    return replace(head, intact=True, story=f"complete; content unverified, since {why}")


def _broken(reply: Reply, story: str) -> Reply:
    return replace(reply, intact=False, story=story)


def _damaged(reply: Reply, story: str) -> Reply:
    return replace(reply, intact=False, damage=True, story=story)
