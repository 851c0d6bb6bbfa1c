"""The stage `cors`: what a browser needs to upload from a page of another origin."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.transport import HttpRequest, HttpResponse
from tus_conformance.transport.header_values import header_value, split_list

_METHODS = ("POST", "HEAD", "PATCH", "DELETE")
_SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})  # a preflight need not list them
REQUEST_HEADERS = (
    *("tus-resumable", "upload-length", "upload-metadata", "upload-offset", "content-type"),
    *("upload-concat", "upload-defer-length", "x-http-method-override"),
)
_NEEDED_HEADERS = REQUEST_HEADERS[:5]
_EXPOSED = {
    "POST": ("location", "upload-offset"),
    "HEAD": ("upload-offset", "upload-length"),
    "PATCH": ("upload-offset",),
}


async def examine_cors(examination: Examination) -> None:
    """Ask as a browser does, for a page of the origin that the user names."""
    origin = examination.settings.origin
    if origin is None:
        return
    sent = ("Origin", origin)
    for method in _METHODS:
        if method == "DELETE" and "termination" not in examination.extensions:
            continue
        if not await _examine_preflight(examination, method, sent):
            return
    await _examine_responses(examination, sent)


async def _examine_preflight(
    examination: Examination, method: str, origin: tuple[str, str]
) -> bool:
    """Ask for permission without credentials, as browsers do; return whether it was given."""
    url = examination.target.url if method == "POST" else examination.upload_url
    own = [name.lower() for name, _ in examination.target.headers]
    response = await examination.transport.send(
        HttpRequest(
            method="OPTIONS",
            url=url,
            headers=(
                origin,
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", ",".join((*REQUEST_HEADERS, *own))),
            ),
        )
    )
    values = {"method": method, "answer": describe_answer(response)}
    if response.status in {401, 403, 407}:
        examination.report("cors.preflight-refused", response, values=values)
        return False
    if response.status is None or not 200 <= response.status < 300:
        examination.report("cors.preflight-refused", response, values=values)
        return False
    if not _allows_origin(examination, response, f"the preflight for {method}"):
        return False
    methods = {each.upper() for each in _list(response, "Access-Control-Allow-Methods")}
    if method not in methods | _SAFE_METHODS and "*" not in methods:
        examination.report("cors.methods", response, values=values)
        return False
    allowed = {each.lower() for each in _list(response, "Access-Control-Allow-Headers")}
    missing = [name for name in (*_NEEDED_HEADERS, *own) if name not in allowed]
    if missing and ("*" not in allowed or "authorization" in missing):
        values["missing"] = ", ".join(missing)
        examination.report("cors.headers", response, values=values)
        return False
    return True


def _list(response: HttpResponse, name: str) -> list[str]:
    return split_list(header_value(response.headers, name) or "")


def _allows_origin(examination: Examination, response: HttpResponse, what: str) -> bool:
    lines = response.header_values("Access-Control-Allow-Origin")
    origin = examination.settings.origin
    if len(lines) > 1 or any("," in line for line in lines):
        values = {"what": what, "lines": " and ".join(lines)}
        examination.report("cors.doubled", response, values=values)
        return False
    if lines and lines[0].strip() in {"*", origin}:
        return True
    said = lines[0] if lines else "no Access-Control-Allow-Origin"
    examination.report("cors.origin", response, values={"what": what, "said": said})
    return False


async def _examine_responses(examination: Examination, origin: tuple[str, str]) -> None:
    """Look at the responses to the requests themselves, a refusal included."""
    created, url = await examination.create(10, origin)
    answers = {"POST": created}
    if url is not None:
        answers["HEAD"] = await examination.send("HEAD", url, origin)
        answers["PATCH"] = await examination.patch(url, 0, b"12345", origin)
    for method, response in answers.items():
        if response.status is None:
            continue
        if not _allows_origin(examination, response, f"the response to {method}"):
            return
        exposed = {each.lower() for each in _list(response, "Access-Control-Expose-Headers")}
        present = {name.lower() for name, _ in response.headers}
        missing = [name for name in _EXPOSED[method] if name in present and name not in exposed]
        if missing and "*" not in exposed:
            values = {"method": method, "missing": ", ".join(missing)}
            examination.report("cors.exposed", response, values=values)
            return
    if url is None:
        return
    refused = await examination.patch(url, 9, b"1", origin)
    if refused.status is not None and not refused.header_values("Access-Control-Allow-Origin"):
        values = {"answer": describe_answer(refused)}
        examination.report("cors.refusals", refused, values=values)
