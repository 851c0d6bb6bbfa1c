"""The stage `methods`: which methods get through, and the way around by X-HTTP-Method-Override."""

from __future__ import annotations

from tus_conformance.discovery.endpoint_kinds import leads_to_login
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import (
    Examination,
    describe_answer,
    is_from_server,
    offset_of,
)
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, split_list

LENGTH = 5
_LOGIN_STATUSES = frozenset({401, 407})
_VARYING = frozenset(
    {"date", "age", "connection", "keep-alive", "content-length", "transfer-encoding", "x-varnish"}
)
_LOST_ON_PATCH = {400: "headers.request.upload-offset", 415: "headers.request.content-type"}


async def examine_methods(examination: Examination) -> None:
    """Try OPTIONS, HEAD, PATCH, the way around it, and DELETE."""
    _examine_options(examination)
    _, url = await examination.create(LENGTH)
    url = url or examination.upload_url
    await _examine_head(examination, url)
    patched = await _send_patch(examination, url)
    overridden = await _override(examination)
    if succeeded(patched):
        examination.answers["PATCH"] = patched
        await _examine_stored(examination, url, patched)
        if overridden is not None and not succeeded(overridden):
            await _explain_override(examination, overridden)
    elif not await _examine_repetition(examination, patched):
        _explain_patch(examination, patched, works=overridden is not None and succeeded(overridden))
    await _examine_delete(examination)


async def _examine_stored(examination: Examination, url: str, patched: HttpResponse) -> None:
    """Report a PATCH that is acknowledged without its body."""
    said = offset_of(patched)
    if said is None or said >= LENGTH:
        return
    head = await examination.send("HEAD", url)
    stored = offset_of(head)
    if stored is not None and stored < LENGTH:
        values = {"sent": LENGTH, "said": said, "stored": stored}
        examination.report("methods.patch-body-lost", patched, head, values=values)


async def _explain_override(examination: Examination, overridden: HttpResponse) -> None:
    """Report why a POST that means PATCH is refused."""
    if not await _examine_repetition(examination, overridden):
        values = {"answer": describe_answer(overridden)}
        examination.report("methods.override", overridden, values=values)


async def _examine_repetition(examination: Examination, refused: HttpResponse) -> bool:
    """Report a refused request whose bytes are stored, so that it arrived twice."""
    if refused.status != 409 or not is_from_server(refused):
        return False
    head = await examination.send("HEAD", refused.exchange.url)
    if offset_of(head) != LENGTH:
        return False
    values = {"method": refused.exchange.method, "stored": LENGTH}
    examination.report("methods.repeated", refused, head, values=values)
    return True


def is_changed_method(response: HttpResponse) -> bool:
    """Return whether the server refuses a method that it allows: it saw another one."""
    allowed = split_list(header_value(response.headers, "Allow") or "")
    sent = response.exchange.method
    return is_from_server(response) and response.status == 405 and sent in allowed


def is_login(response: HttpResponse) -> bool:
    """Return whether a response asks for a login."""
    return response.status in _LOGIN_STATUSES or leads_to_login(response)


def _examine_options(examination: Examination) -> None:
    options = examination.options
    assert options is not None
    if is_login(options):
        examination.report("login.preflight", options, values={"answer": describe_answer(options)})
        return
    if is_from_server(options):
        return
    if succeeded(options):
        if examination.marks_answers:
            seen = {"status": options.status}
            examination.report("methods.options-answered", options, values=seen)
        return
    values = {"method": "OPTIONS", "answer": describe_answer(options)}
    examination.report("methods.options-blocked", options, values=values)


async def _send_patch(examination: Examination, url: str) -> HttpResponse:
    """Send a valid PATCH, to another upload a second time where no response comes."""
    patched = await examination.patch(url, 0, bytes(LENGTH))
    if patched.status is not None:
        return patched
    _, other = await examination.create(LENGTH)
    return await examination.patch(other or url, 0, bytes(LENGTH))


async def _examine_head(examination: Examination, url: str) -> None:
    head = await examination.send("HEAD", url)
    if head.status is None:  # once may be chance
        head = await examination.send("HEAD", url)
    if succeeded(head) and offset_of(head) is not None:
        examination.answers["HEAD"] = head
        return
    seen = examination.seen(head)
    if seen is not None and seen.method != "HEAD":
        examination.report("methods.head-as-get", head, culprit="proxy", why="the server saw a GET")
        return
    if is_login(head):
        values = {"method": "HEAD", "answer": describe_answer(head)}
        examination.report("login.some-methods", head, values=values)
        examination.prevent("HEAD needs a login", "head", "offset", "streaming", "cache")
        return
    get = await examination.send("GET", url)
    if is_from_server(head) and head.status == get.status and _names(head) == _names(get):
        examination.report("methods.head-as-get", head, get)
    elif not succeeded(head) and not is_from_server(head):
        values = {"method": "HEAD", "answer": describe_answer(head)}
        examination.report("methods.head-blocked", head, values=values)
    elif succeeded(head):
        examination.answers["HEAD"] = head
    elif is_changed_method(head):
        examination.report("methods.changed", head, values={"method": "HEAD"})
    else:
        values = {"method": "HEAD", "answer": describe_answer(head)}
        examination.report("methods.head-refused", head, values=values, culprit="server")


def _names(response: HttpResponse) -> frozenset[str]:
    return frozenset(name.lower() for name, _ in response.headers) - _VARYING


async def _override(examination: Examination) -> HttpResponse | None:
    """Return the response to a POST that means PATCH, None without an upload to send it to."""
    _, url = await examination.create(LENGTH)
    if url is None:
        return None
    return await examination.send(
        "POST",
        url,
        ("X-HTTP-Method-Override", "PATCH"),
        ("Content-Type", "application/offset+octet-stream"),
        ("Upload-Offset", "0"),
        body=bytes(LENGTH),
    )


def _explain_patch(examination: Examination, patched: HttpResponse, *, works: bool) -> None:
    values = {
        "method": "PATCH",
        "answer": describe_answer(patched),
        "override": "POST with X-HTTP-Method-Override: PATCH gets through."
        if works
        else "POST with X-HTTP-Method-Override: PATCH does not get through either.",
    }
    if is_changed_method(patched):
        examination.report("methods.changed", patched, values=values)
    elif is_login(patched):
        examination.report("login.some-methods", patched, values=values)
        examination.prevent("PATCH needs a login", "patch", "streaming", "cache")
    elif not is_from_server(patched):
        examination.report("methods.patch-blocked", patched, values=values)
    elif works or patched.status not in _LOST_ON_PATCH:
        examination.report("methods.patch-refused", patched, values=values)
    else:
        examination.report(_LOST_ON_PATCH[patched.status], patched)


async def _examine_delete(examination: Examination) -> None:
    if "termination" not in examination.extensions:
        return
    _, url = await examination.create(LENGTH)
    if url is None:
        return
    deleted = await examination.send("DELETE", url)
    if deleted.status is None:  # once may be chance
        deleted = await examination.send("DELETE", url)
    if succeeded(deleted):
        examination.answers["DELETE"] = deleted
        return
    examination.prober.can_terminate = False
    values = {"method": "DELETE", "answer": describe_answer(deleted)}
    if is_login(deleted):
        examination.report("login.some-methods", deleted, values=values)
    elif not is_from_server(deleted):
        examination.report("methods.delete-blocked", deleted, values=values)
