"""The outcome of a situation: what the client said against what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.clients.client_log import LATEST, ClientLog
from tus_conformance.clients.client_program import ClientReport
from tus_conformance.clients.client_urls import target_of
from tus_conformance.clients.seen_request import SeenUpload
from tus_reports.totals import pluralize
from tus_scenarios.server_rule import Outcome

QUIET_SECONDS = 15.0
"""A client that is stopped hangs if it had sent nothing for so long, else it is endless.

Where it had less time since its first request, half of that counts.
"""

SHORTEST_WAIT = 0.5
"""A pause between a response and the next request that a client makes on purpose, in seconds."""

MIN_WAITS = 3
"""How many pauses show that they grow."""

MIN_REQUESTS = 10
"""How many requests show that a client comes to no end; with fewer it may have been slow."""

FEW_WAITS = 5
LONG_WAIT = 5.0
"""A client that paused for so long, in seconds, and only a few times, may still give up."""


@dataclass(frozen=True)
class FoundOutcome:
    """An outcome, and the sentence that says why it is that."""

    outcome: Outcome
    because: str
    undecided: bool = False
    """Whether the client might have come to an end, had it had more time."""


def find_outcome(
    log: ClientLog, report: ClientReport | None, file: bytes, size: int, *, stopped_at: float
) -> FoundOutcome:
    """Return what came of a client that was to upload `file`.

    The file had `size` bytes when the upload began, and may have grown since. `report` is None for
    a client that cannot say anything. `stopped_at` is when it was stopped, or ended, in seconds
    since the situation began.
    """
    damaged = next((each for each in log.uploads.values() if is_damaged(each, file)), None)
    if damaged is not None:
        return FoundOutcome("damaged", describe_damage(damaged, file))
    whole = find_whole(log, report, file, size) is not None
    stored = describe_stored(log, len(file))
    if report is None:
        return FoundOutcome("whole" if whole else "incomplete", stored)
    if report.stopped:
        found = _outcome_of_stopped(log, stored, stopped_at - log.last_activity)
        if report.said == "nothing" or found.outcome == "endless":
            return found
    said = " ".join(part for part in (report.sentence(), report.last_output, stored) if part)
    return FoundOutcome(_outcome_of_ended(report, whole=whole), said)


def _outcome_of_stopped(log: ClientLog, stored: str, quiet: float) -> FoundOutcome:
    """Return the outcome of a client that was stopped after `quiet` seconds without a request."""
    count = len(log.requests)
    sent = pluralize(count, "request")
    waited = _waited_for_response(log, quiet)
    if waits_to_try_again(log.pauses(), quiet) and waited is None:
        return FoundOutcome(
            "endless",
            f"It had sent {sent}, with pauses of up to {max(log.pauses()):.0f} seconds,"
            f" when it was stopped. {stored}",
            undecided=True,
        )
    first = log.requests[0].began if log.requests else 0.0
    if quiet >= min(QUIET_SECONDS, (log.now() - first) / 2) or (waited or 0) >= LONG_WAIT:
        return FoundOutcome(
            "hangs", f"When it was stopped it had sent nothing for {quiet:.0f} seconds. {stored}"
        )
    if log.gets_on():
        return FoundOutcome(
            "endless",
            f"It had sent {sent} and still got on when it was stopped. {stored}",
            undecided=True,
        )
    return FoundOutcome(
        "endless",
        f"It had sent {sent} when it was stopped. {stored}",
        undecided=count < MIN_REQUESTS,
    )


def _waited_for_response(log: ClientLog, quiet: float) -> float | None:
    """Return how long the latest request had been without a response when the client was stopped.

    None stands for a client that had the response. Stopping the client ends its requests.
    """
    if not log.requests:
        return None
    stopped_at = log.last_activity + quiet
    waiting = [each.began for each in log.requests if each.is_under_way(stopped_at)]
    return stopped_at - min(waiting) if waiting else None


def waits_to_try_again(pauses: list[float], quiet: float) -> bool:
    """Return whether a client seems to wait before its next attempt.

    `pauses` are those between its requests, `quiet` is how long nothing has come since, in seconds.
    Pauses grow, or they are few and long; nothing much longer than the longest is the next of them.
    """
    waits = [pause for pause in pauses if pause >= SHORTEST_WAIT]
    if not waits or quiet > 2 * max(waits) + 5:
        return False
    late = max(waits[-LATEST:])
    if len(waits) >= MIN_WAITS and late >= max(2.0, 2 * max(waits[:2])):
        return True
    return len(waits) <= FEW_WAITS and max(waits) >= LONG_WAIT


def may_still_end(log: ClientLog) -> bool:
    """Return whether a client seems to be on its way to an end: it waits or still gets on."""
    quiet = log.now() - log.last_activity
    if log.under_way and quiet >= QUIET_SECONDS:  # a busy machine may take some seconds
        return False
    if log.gets_on() and quiet < QUIET_SECONDS:
        return True
    pauses = log.pauses()
    late = max(pauses[-LATEST:], default=0.0)
    waits_long = late >= LONG_WAIT and quiet <= 2 * late + LONG_WAIT
    return waits_long or waits_to_try_again(pauses, quiet)


def _outcome_of_ended(report: ClientReport, *, whole: bool) -> Outcome:
    if report.said == "done":
        return "whole" if whole else "lied"
    if report.said == "error":
        return "reported"
    return "silent" if report.exit_code == 0 else "crashed"


def find_whole(
    log: ClientLog, report: ClientReport | None, file: bytes, size: int
) -> SeenUpload | None:
    """Return an upload that holds the whole file: that which the client named, if it named one."""
    named = None
    if report is not None and report.url:
        named = next((each for each in log.uploads.values() if _is_named(each, report.url)), None)
    candidates = [named] if named is not None else list(log.uploads.values())
    return next((each for each in candidates if is_whole(each, file, size)), None)


def is_whole(upload: SeenUpload, file: bytes, size: int) -> bool:
    """Return whether an upload is complete and holds every byte that the file had at first."""
    content = upload.content
    if not upload.complete or upload.concat == "partial" or content is None:
        return False
    return len(content) >= size and file.startswith(content)


def is_damaged(upload: SeenUpload, file: bytes) -> bool:
    """Return whether an upload holds bytes that do not belong there.

    A partial upload holds some part of the file; any other one its beginning.
    """
    content = upload.content
    if not content:
        return False
    if upload.concat == "partial":
        return content not in file
    return not file.startswith(content)


def describe_damage(upload: SeenUpload, file: bytes) -> str:
    """Return a sentence about the first wrong byte of an upload."""
    content = upload.content or b""
    if upload.concat == "partial":
        return f"Upload {upload.number} holds {len(content)} bytes that stand nowhere in the file."
    wrong = next(
        (at for at, (a, b) in enumerate(zip(content, file, strict=False)) if a != b),
        min(len(content), len(file)),
    )
    return (
        f"Upload {upload.number} holds {len(content)} bytes; from byte {wrong} on they are not"
        " those of the file."
    )


def describe_stored(log: ClientLog, size: int) -> str:
    """Return a sentence about what the server holds."""
    kept = [each for each in log.uploads.values() if each.concat != "partial"]
    if not kept:
        return "There is no upload."
    if len(kept) == 1:
        return _describe_upload(kept[0], size)
    return " ".join(f"Upload {each.number}: {_describe_upload(each, size)}" for each in kept)


def _describe_upload(upload: SeenUpload, size: int) -> str:
    held = len(upload.content or b"")
    gone = " when it was removed" if upload.removed else ""
    if upload.length is None and not upload.removed:
        return f"The server holds {held} of {size} bytes{gone}; no length was declared."
    return f"The server holds {held} of {size} bytes{gone}."


def _is_named(upload: SeenUpload, url: str) -> bool:
    """Return whether a URL that a client named is that of an upload, whatever its host."""
    return target_of(upload.url) == target_of(url)
