"""Invariants of responses to POST and PATCH: creations, stored bytes, dates of expiration."""

from __future__ import annotations

from tus_conformance.evaluation.header_matching import matches
from tus_conformance.evaluation.invariant import InvariantResult, Observation, grade_rule
from tus_conformance.transport.header_values import header_value, read_integer
from tus_scenarios import Grade, HeaderMatcher


def _stores(observation: Observation) -> bool:
    """Return whether this is a successful response to a PATCH of an upload of the run."""
    return (
        observation.effective_method == "PATCH"
        and observation.is_about_upload
        and observation.reply.succeeded
    )


def check_patch_status(observation: Observation) -> InvariantResult | None:
    """Check that a successful response to PATCH is a 204."""
    # An overridden POST that gets another status may have been handled as a POST, which is a
    # matter of its own.
    if not _stores(observation) or observation.http_request.method != "PATCH":
        return None
    status = observation.reply.status
    return grade_rule(status == 204, "fail", "status 204", f"status {status}")


def check_patch_offset(observation: Observation) -> InvariantResult | None:
    """Check that the 204 of a PATCH has Upload-Offset."""
    if not _stores(observation) or observation.reply.status != 204:
        return None
    held = observation.reply.header("Upload-Offset") is not None
    return grade_rule(held, "fail", "Upload-Offset in the response", "no Upload-Offset")


def check_patch_sum(observation: Observation) -> InvariantResult | None:
    """Check that the new offset is the old one plus no more bytes than were sent.

    A server that accepts another offset than its own breaks another rule.
    """
    if not _stores(observation) or observation.http_request.framing == "raw":
        return None
    before = read_integer(header_value(observation.http_request.headers, "Upload-Offset"))
    after = read_integer(observation.reply.header("Upload-Offset"))
    if before is None or after is None:
        return None
    reply = observation.reply
    known = reply.offsets_before.get(reply.upload.name) if reply.upload is not None else None
    if before != known:
        return None
    payload = observation.http_request.payload
    most = before + (payload.length if payload else 0)
    held = before <= after <= most
    expected = f"an Upload-Offset from {before} to {most}"
    return grade_rule(held, "fail", expected, f"Upload-Offset: {after}")


def check_patch_expires(observation: Observation) -> InvariantResult | None:
    """Check Upload-Expires where an earlier response said when the upload expires.

    An upload that is complete does not expire.
    """
    facts = observation.facts
    if not _stores(observation) or observation.reply.status != 204 or facts is None:
        return None
    offset = read_integer(observation.reply.header("Upload-Offset"))
    unfinished = (facts.length is not None and offset is not None and offset < facts.length) or (
        facts.deferred and not facts.length_sent and not _states_length(observation)
    )
    if not facts.has_expiration_date or not unfinished:
        return None
    held = observation.reply.header("Upload-Expires") is not None
    expected = "Upload-Expires, which an earlier response about this upload had"
    return grade_rule(held, "fail", expected, "no Upload-Expires")


def _states_length(observation: Observation) -> bool:
    return header_value(observation.http_request.headers, "Upload-Length") is not None


def check_expires_format(observation: Observation) -> InvariantResult | None:
    """Check that a date of expiration is in the format that servers have to generate."""
    value, url = observation.reply.header("Upload-Expires"), observation.reply.url
    if value is None:
        return None
    obsolete = matches(HeaderMatcher(form="obsolete-date"), value, base=url)
    held = matches(HeaderMatcher(form="date"), value, base=url)
    grade: Grade = "warn" if obsolete else "fail"
    expected = "an IMF-fixdate, such as Sun, 06 Nov 1994 08:49:37 GMT"
    return grade_rule(held, grade, expected, f"Upload-Expires: {value}")


def check_versions_listed(observation: Observation) -> InvariantResult | None:
    """Check that a 412 lists the versions of the server."""
    if observation.reply.status != 412 or not observation.requires_version_header:
        return None
    sent = header_value(observation.http_request.headers, "Tus-Resumable")
    # A header without a value names no version, as if it were missing.
    if sent is None or sent.strip() in {"", "1.0.0"}:
        return None
    held = observation.reply.header("Tus-Version") is not None
    return grade_rule(held, "fail", "Tus-Version in the response", "no Tus-Version")


def check_creation_status(observation: Observation) -> InvariantResult | None:
    """Check that a creation that names the upload is answered with 201."""
    if observation.effective_method != "POST" or not observation.reply.succeeded:
        return None
    if observation.reply.header("Location") is None:
        return None
    status = observation.reply.status
    return grade_rule(status == 201, "fail", "status 201", f"status {status}")


def check_creation_succeeds(observation: Observation) -> InvariantResult | None:
    """Count the creations that succeed; a scenario knows which of the others were valid."""
    return InvariantResult("pass") if _succeeds(observation, "POST") else None


def check_patch_succeeds(observation: Observation) -> InvariantResult | None:
    """Count the PATCH requests that succeed; a scenario knows which of the others were valid."""
    return InvariantResult("pass") if _succeeds(observation, "PATCH") else None


def _succeeds(observation: Observation, method: str) -> bool:
    return observation.effective_method == method and observation.reply.succeeded


def check_creation_location(observation: Observation) -> InvariantResult | None:
    """Check that a 201 names the upload."""
    if observation.effective_method != "POST" or observation.reply.status != 201:
        return None
    held = observation.reply.header("Location") is not None
    return grade_rule(held, "fail", "Location in the response", "no Location")
