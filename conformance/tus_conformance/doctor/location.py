"""The stage `location`: whether a creation works, and whether its Location leads to the upload.

Where it does not, the URL is put together from the target and the path, so that later stages can
still be examined.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from tus_conformance.discovery.preflight import USUAL_METADATA
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer, is_from_server
from tus_conformance.doctor.methods import is_changed_method, is_login
from tus_conformance.doctor.stage import UndeterminedError
from tus_conformance.targets.origin_guard import format_origin, same_origin
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.address import DEFAULT_PORTS
from tus_conformance.transport.header_values import header_value, origin_of, resolve_url

UPLOAD_LENGTH = 10
EVERYTHING = ("upload", "head", "patch", "offset", "streaming")
"""The conditions that do not hold where no request to an upload gets through."""

ATTEMPTS = 4
"""How often an upload is asked for, each time over a connection of its own."""

_OTHER_UPLOADS = 8
"""How many more uploads are looked for where one is not found; the path may choose the server."""


async def examine_location(examination: Examination) -> None:
    """Create an upload and find it at its Location."""
    created, _ = await examination.create(UPLOAD_LENGTH)
    if created.status is None:  # once may be chance
        created, _ = await examination.create(UPLOAD_LENGTH)
    if not succeeded(created):
        await explain_refused_creation(examination, created)
        return
    examination.answers["POST"] = created
    location = header_value(created.headers, "Location")
    url = resolve_url(location or "", examination.target.url)
    if location is None or url is None:
        examination.report("location.missing", created, values={"status": created.status})
        return
    examination.note("Location", location)
    await _compare_origin(examination, created, url)
    url = _at_target(examination, url)
    await _find_upload(examination, created, url)
    examination.marks_answers = any(
        is_from_server(each) and header_value(each.headers, "Tus-Resumable")
        for each in examination.answers.values()
    )


async def explain_refused_creation(examination: Examination, created: HttpResponse) -> None:
    """Find out which header of a creation was lost, or that something else refuses it."""
    if created.status in {401, 407}:
        raise UndeterminedError(
            f"POST got {created.status}: pass the credentials with -H, or set `headers` in the"
            " profile."
        )
    marked = is_from_server(created)
    if created.status == 412 and marked:
        examination.report("headers.request.tus-resumable", created)
    elif marked and created.status == 400 and await _lacks_length(examination, created):
        examination.report("headers.request.upload-length", created)
    elif marked and created.status in {404, 405}:
        raise UndeterminedError(
            f"POST got {created.status} from a tus server, which does not create uploads at the"
            " path that it was asked for: either the URL is not that of its uploads, or the proxy"
            " changes the path, as by cutting off a prefix."
        )
    elif not marked and examination.options is not None and is_from_server(examination.options):
        values = {"method": "POST", "answer": describe_answer(created)}
        examination.report("methods.post-blocked", created, values=values)
    else:
        raise UndeterminedError(
            f"POST got {describe_answer(created)}, so there is no upload to examine. Correct that"
            " first, or set `metadata` in the profile where the server requires some."
        )


async def _lacks_length(examination: Examination, created: HttpResponse) -> bool:
    """Return whether a refusal names Upload-Length, or creations work that do not need it."""
    if b"upload-length" in created.body.lower().replace(b"_", b"-"):
        return True
    usual = ("Upload-Metadata", USUAL_METADATA)
    with_metadata, _ = await examination.create(UPLOAD_LENGTH, usual)
    if succeeded(with_metadata):
        return False
    deferred, _ = await examination.create(None, ("Upload-Defer-Length", "1"), usual)
    return succeeded(deferred)


async def _compare_origin(examination: Examination, created: HttpResponse, url: str) -> None:
    target = examination.target
    allowed = (target.url, *target.named_origins)
    if examination.settings.is_direct or any(same_origin(url, each) for each in allowed):
        return
    wrong, right = origin_of(url), origin_of(target.url)
    if wrong[0] != right[0]:
        part = "scheme"
    elif not same_host(wrong[1], right[1]):
        part = "host"
    else:
        part = "port"
    port = wrong[2] or DEFAULT_PORTS.get(wrong[0], 0)
    alive = await examination.test_connection(wrong[1], port)
    values = {
        "wrong": format_origin(wrong),
        "right": format_origin(right),
        "reach": "A server accepts connections there, so clients go past the proxy."
        if alive
        else "Nothing accepts connections there.",
    }
    examination.report(f"location.{part}", created, values=values)


def same_host(one: str, other: str) -> bool:
    """Return whether two names are the same host, the names of this machine being one."""
    return same_origin(f"http://{_bracket(one)}/", f"http://{_bracket(other)}/")


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _at_target(examination: Examination, url: str) -> str:
    """Return the same path at the origin of the target, and remember the difference."""
    target = examination.target
    if any(same_origin(url, each) for each in (target.url, *target.named_origins)):
        return url
    wrong, right = urlsplit(url), urlsplit(target.url)
    examination.rebuild.append(
        (
            urlunsplit((wrong.scheme, wrong.netloc, "/", "", "")),
            urlunsplit((right.scheme, right.netloc, "/", "", "")),
        )
    )
    return examination.reachable_url(url)


async def _find_upload(examination: Examination, created: HttpResponse, url: str) -> None:
    """Look for the upload: at its URL, on each server behind the name, below the target's path."""
    found, last = await count_finds(examination, url)
    for kind, place in _other_places(examination.target.url, url) if not found else ():
        right, _ = await count_finds(examination, place)
        if right:
            _report_place(examination, kind, (created, last), url, place)
            return
    asked = ATTEMPTS
    for _ in range(0 if found else _OTHER_UPLOADS):
        _, other = await examination.create(UPLOAD_LENGTH)
        if other is not None:
            found, _ = await count_finds(examination, other, 2)
            asked += 2
        if found:
            break
    if 0 < found < asked:
        counts = {"found": found, "asked": asked}
        examination.report("servers.no-common-state", created, last, values=counts)
    elif not found:
        _report_lost_upload(examination, created, last, url)
    examination.upload_url = url


def _report_lost_upload(
    examination: Examination, created: HttpResponse, last: HttpResponse, url: str
) -> None:
    """Say how requests to a new upload fail, all of which do."""
    values = {"answer": describe_answer(last), "path": urlsplit(url).path, "method": "HEAD"}
    if is_changed_method(last):
        kind = "methods.changed"
    elif is_login(last):
        kind = "login.some-methods"
        examination.prevent("Requests to uploads need a login", *EVERYTHING)
    else:
        redirected = last.status is not None and 300 <= last.status < 400
        kind = "location.redirected" if redirected else "location.not-found"
    examination.report(kind, created, last, values=values)


def _report_place(
    examination: Examination,
    kind: str,
    responses: tuple[HttpResponse, ...],
    wrong: str,
    right: str,
) -> None:
    values = {
        "wrong": urlsplit(wrong).path,
        "right": urlsplit(right).path,
        "answer": describe_answer(responses[-1]),
    }
    if kind != "location.prefix" or not examination.settings.is_direct:
        examination.report(kind, *responses, values=values)
    if kind == "location.slash":
        examination.ends_with_slash = False
    else:
        name = right.rpartition("/")[2]
        examination.rebuild.append((wrong.removesuffix(name), right.removesuffix(name)))
    examination.upload_url = right


def _other_places(target: str, url: str) -> list[tuple[str, str]]:
    """Return where else an upload may be, each with the finding that this would be.

    A proxy may add a slash to the path, or cut a prefix off from requests.
    """
    parts = urlsplit(url)
    folder, name = urlsplit(target).path.rstrip("/"), parts.path.rpartition("/")[2]
    if not name:
        return [("location.slash", urlunsplit(parts._replace(path=parts.path.rstrip("/"))))]
    beneath = urlunsplit(parts._replace(path=f"{folder}/{name}"))
    return [("location.prefix", beneath)] if beneath != url else []


async def count_finds(
    examination: Examination, url: str, attempts: int = ATTEMPTS
) -> tuple[int, HttpResponse]:
    """Return how many of several requests find an upload, and a response to one that did not.

    A request without a response, or that the server had no time for, counts like the others: it
    says nothing of the upload. HEAD asks. Where all of them fail, empty PATCHes do, since HEAD may
    not be let through. Requests of one kind follow each other, so that servers which take turns
    cannot keep step with them.
    """
    heads = [await examination.send("HEAD", url) for _ in range(attempts)]
    found = _note_answers(examination, "HEAD", heads)
    if found:
        silent = sum(map(_says_nothing, heads))
        other = (each for each in heads if not (is_from_server(each) or _says_nothing(each)))
        return found + silent, next(other, heads[0])
    patches = [await examination.patch(url, 0, b"") for _ in range(attempts)]
    return _note_answers(examination, "PATCH", patches), heads[0]


def _says_nothing(response: HttpResponse) -> bool:
    """Return whether a response is missing, or says that the server is too busy or failed."""
    return response.status is None or response.status == 429 or response.status >= 500


def _note_answers(examination: Examination, method: str, responses: list[HttpResponse]) -> int:
    """Keep a successful response of the tus server, and return how many there are.

    A proxy may answer 200 to every path. Where the creation has no header of tus, none is expected.
    """
    created = examination.answers.get("POST")
    expects_marks = created is not None and is_from_server(created)
    successful = [
        each
        for each in responses
        if succeeded(each) and (is_from_server(each) or not expects_marks)
    ]
    if successful:
        examination.answers[method] = successful[0]
    return len(successful)
