"""Putting preconditions in place: an upload to begin with, of which some bytes are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_conformance.dialogue.stopping import Stopped
from tus_conformance.dialogue.uploads import Upload
from tus_conformance.target import program
from tus_reports import Verdict
from tus_scenarios import Given, Request

if TYPE_CHECKING:
    from tus_conformance.dialogue.reply import Reply
    from tus_conformance.dialogue.session import Session
    from tus_conformance.telling.telling import Telling

CAUSES = {
    "POST": "creation.post.201",
    "PATCH": "core.patch.success-204",
    "HEAD": "core.head.success-status",
    "DELETE": "termination.204",
    "OPTIONS": "core.options.status",
}
"""The row that a server breaks by not answering a proper request of a method with success."""


async def prepared(telling: Telling, given: Given) -> Upload:
    """Create an upload and store its first bytes; raise Stopped where the server does not."""
    length = telling.references.number(given.length)
    ensure_room(telling.session, length)
    upload = await _created(telling, given, length)
    upload.length = length
    wanted = telling.references.number(given.stored)
    while upload.offset < wanted:
        before = upload.offset
        reply = await telling.send("PATCH", Request(of=given.name, send=wanted - before))
        if reply.succeeded and reply.header("Upload-Offset") is None:
            # That a PATCH tells the offset is a requirement of its own; here HEAD will do.
            await telling.send("HEAD", Request(of=given.name))
        if not reply.succeeded or upload.offset <= before:
            raise Stopped(*hindered("The bytes to begin with could not be stored", reply))
    return upload


def ensure_room(session: Session, length: int) -> None:
    """Raise Stopped where an upload of so many bytes is larger than the target takes."""
    limit, stated = session.target.profile.max_size, session.discovery.max_size
    if limit is not None and length > limit:
        said = f"and `max_size` in the profile is {limit}"
    elif stated is not None and length > stated:
        said = f"and Tus-Max-Size is {stated}"
    else:
        return
    raise Stopped("not-applicable", f"It needs an upload of {length} bytes, {said}.")


async def _created(telling: Telling, given: Given, length: int) -> Upload:
    command = telling.session.target.profile.commands.upload
    creation = telling.session.discovery.capabilities.get("creation")
    closed = creation is not None and creation.observed == "refused"
    if command is not None and closed:
        return await _made(telling, given, length, command)
    reply = await telling.send("POST", _creation(given))
    if reply.succeeded and given.name in telling.uploads:
        return telling.uploads[given.name]
    outcome, reason = hindered("The upload to begin with could not be created", reply)
    if closed and outcome == "blocked":
        reason += " If clients cannot create uploads here, name an `upload` command in the profile."
    raise Stopped(outcome, reason)


async def _made(telling: Telling, given: Given, length: int, command: str) -> Upload:
    """Have an upload made by the command of the profile."""
    if given.deferred or given.metadata or given.header:
        raise Stopped(
            "not-applicable", "It needs an upload of a kind that the `upload` command cannot make."
        )
    try:
        printed = await program.output(command, length=str(length))
    except program.ProgramError as failed:
        raise Stopped("error", str(failed)) from None
    return telling.adopt(given, printed.decode("latin-1").strip())


def _creation(given: Given) -> Request:
    return Request(
        of=given.name,
        length=None if given.deferred else given.length,
        defer="1" if given.deferred else None,
        metadata=given.metadata,
        header=dict(given.header),
    )


def hindered(what: str, reply: Reply, actual: str = "", broken: str = "") -> tuple[Verdict, str]:
    """Return the verdict and the reason of a scenario that cannot begin as it should.

    `broken` is the row that is to blame, where that is another than the method's usual one.
    """
    failure = reply.answer.failure
    if failure is not None and failure.kind in {"unreachable", "tls"}:
        return "error", f"{what}: {failure.sentence}"
    row = broken or CAUSES.get(reply.method, "")
    cause = f" ({row})" if row else ""
    if failure is not None:
        return "blocked", f"{what}{cause}: {failure.sentence}"
    answered = f"{reply.method} was answered with {actual or reply.status}"
    if reply.succeeded and reply.method == "POST":
        answered += f" and {_shown(reply.header('Location'))}"
    return "blocked", f"{what}{cause}: {answered}."


def _shown(location: str | None) -> str:
    return "no Location" if location is None else f"the Location {location!r}, which is no URL"
