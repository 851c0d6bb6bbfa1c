"""What answers at a URL instead of a tus server, by its responses to OPTIONS and to a creation.

The kinds are a table, the most telling first: each function returns what is there and what to do,
or None where the responses are of another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, origin_of, resolve_url

_LOGIN_WORDS = ("login", "signin", "sign-in", "log-in", "auth", "sso", "account")
_TLS_PHRASES = (
    b"http request was sent to https",
    b"client sent an http request to an https server",
    b"speaking plain http to an ssl-enabled",
)
_AUTHENTICATE = (
    "Pass the credentials with -H 'Authorization: ...', or set `headers` or an `auth` command in"
    " the profile."
)
_UPSTREAM = "Start the tus server behind it, or correct the proxy's configuration."

Description = tuple[str, str]
"""What is at a URL, as the rest of a sentence, and a sentence about what to do."""


def describe_endpoint(
    url: str, options: HttpResponse, creation: HttpResponse, found: str = ""
) -> str:
    """Return in two sentences what is at `url`, and what to do; `found` is a tus URL nearby."""
    descriptions = (kind(url, options, creation) for kind in _KINDS)
    what, advice = next(filter(None, descriptions), _describe_other(url, creation))
    if found:
        advice = f"There is a tus server at {found}: use that URL instead."
    return f"{url} {what}. {advice}"


def _describe_tls(url: str, options: HttpResponse, creation: HttpResponse) -> Description | None:
    said = (options.body + creation.body).lower()
    if not any(phrase in said for phrase in _TLS_PHRASES):
        return None
    return "expects TLS", f"Use {urlunsplit(urlsplit(url)._replace(scheme='https'))} instead."


def _describe_login(_url: str, options: HttpResponse, creation: HttpResponse) -> Description | None:
    for method, answer in (("POST", creation), ("OPTIONS", options)):
        if answer.status == 407:
            what = f"is behind a proxy that requires a login: {method} got 407"
            return what, "Pass the credentials with -H 'Proxy-Authorization: ...'."
        if answer.status in {401, 403}:
            return f"refuses access: {method} got {answer.status}", _AUTHENTICATE
    return None


def _describe_redirect(
    url: str, options: HttpResponse, creation: HttpResponse
) -> Description | None:
    for method, answer in (("POST", creation), ("OPTIONS", options)):
        place = resolve_url(header_value(answer.headers, "Location") or "", url)
        if answer.status is None or not 300 <= answer.status < 400 or place is None:
            continue
        if place == url:
            what = f"redirects {method} to itself ({answer.status})"
            return what, "Correct the redirect on the server or on the proxy in front of it."
        if _is_login_page(place):
            return f"redirects {method} to a login page ({answer.status}, {place})", _AUTHENTICATE
        advice = f"If the tus server is there, use {place} instead."
        if origin_of(place)[1] != origin_of(url)[1]:
            advice += " If it is not, a proxy or a captive portal answers in its place."
        return f"redirects {method} to {place} ({answer.status})", advice
    return None


def leads_to_login(response: HttpResponse) -> bool:
    """Return whether a response is a redirect to a page where a user logs in."""
    place = header_value(response.headers, "Location")
    is_redirect = response.status is not None and 300 <= response.status < 400
    return is_redirect and place is not None and _is_login_page(place)


def _is_login_page(url: str) -> bool:
    parts = urlsplit(url)
    return any(word in f"{parts.netloc}{parts.path}".lower() for word in _LOGIN_WORDS)


def _describe_gateway(
    _url: str, options: HttpResponse, creation: HttpResponse
) -> Description | None:
    for answer in (creation, options):
        if answer.status in {502, 503, 504, 521, 522, 523}:
            what = f"is a proxy or a server without its backend: it answers {answer.status}"
            return what, _UPSTREAM
    return None


def _describe_rate_limit(
    _url: str, options: HttpResponse, creation: HttpResponse
) -> Description | None:
    if 429 not in {options.status, creation.status}:
        return None
    return "limits the request rate (429)", "Wait, and set `rate` in the profile."


def _describe_s3(_url: str, options: HttpResponse, creation: HttpResponse) -> Description | None:
    for answer in (options, creation):
        if _is_of_s3(answer):
            what = "is an S3 endpoint, which does not speak tus"
            return what, "Give the URL of the tus server that stores its uploads there."
    return None


def _is_of_s3(answer: HttpResponse) -> bool:
    """Return whether an object store sent a response: by its headers, its error or its listing."""
    names = {name.lower() for name, _ in answer.headers}
    kind = header_value(answer.headers, "Content-Type") or ""
    # An API gateway sends `x-amzn-requestid` too, but with JSON.
    from_store = "x-amzn-requestid" in names and "xml" in kind.lower()
    is_xml = answer.body.lstrip().startswith(b"<")
    is_error = is_xml and b"<Error>" in answer.body[:400] and b"<Code>" in answer.body
    is_listing = is_xml and b"//s3.amazonaws.com/doc/" in answer.body[:400]
    return bool({"x-amz-request-id", "x-amz-id-2"} & names) or from_store or is_error or is_listing


def _describe_webdav(
    _url: str, options: HttpResponse, creation: HttpResponse
) -> Description | None:
    if not any(name.lower() == "dav" for name, _ in (*options.headers, *creation.headers)):
        return None
    what = "is a WebDAV server: nothing in its responses to OPTIONS and POST is of tus"
    return what, "Give the URL where a tus server creates uploads."


def _describe_draft(_url: str, options: HttpResponse, creation: HttpResponse) -> Description | None:
    names = {name.lower() for name, _ in (*options.headers, *creation.headers)}
    if not names & {"upload-draft-interop-version", "upload-limit", "upload-complete"}:
        return None
    what = "speaks the IETF draft of resumable uploads, not tus 1.0.0"
    return what, "Enable tus 1.0.0 on the server, or give the URL where it speaks that."


def _describe_page(url: str, _options: HttpResponse, creation: HttpResponse) -> Description | None:
    if creation.status is None or not 200 <= creation.status < 300:
        return None
    if creation.status == 201 and header_value(creation.headers, "Location"):
        what = "creates something, without any header of tus: POST got 201 with a Location"
        return what, "If it is a tus server, something in front of it removes its headers."
    kind = (header_value(creation.headers, "Content-Type") or "").partition(";")[0].strip()
    content = "an HTML page" if "html" in kind else f"{kind} content" if kind else "no upload"
    what = f"is not a tus endpoint: POST got {creation.status} and {content}"
    return what, _give_url(url)


def _describe_missing(
    url: str, _options: HttpResponse, creation: HttpResponse
) -> Description | None:
    if creation.status not in {404, 410}:
        return None
    return f"does not exist on this server: POST got {creation.status}", _give_url(url)


def _describe_method(url: str, options: HttpResponse, creation: HttpResponse) -> Description | None:
    if creation.status not in {405, 501}:
        return None
    server = header_value((*options.headers, *creation.headers), "Server") or ""
    named = f" ({server.partition(',')[0]})" if server else ""
    what = f"does not accept POST ({creation.status}), as a plain web server{named} does not"
    return what, _give_url(url)


def _describe_error(
    _url: str, _options: HttpResponse, creation: HttpResponse
) -> Description | None:
    if creation.status is None or creation.status < 500:
        return None
    what = f"answers POST with {creation.status} and without any header of tus"
    return what, "Search its log for this request, and check the URL."


def _describe_other(url: str, creation: HttpResponse) -> Description:
    got = creation.status or "no response"
    return f"is not a tus endpoint: POST got {got}, without any header of tus", _give_url(url)


def _give_url(url: str) -> str:
    example = urlunsplit(urlsplit(url)._replace(path="/files/", query="", fragment=""))
    such = "" if example == url else f", such as {example}"
    return f"Give the URL where uploads are created{such}."


_KINDS: tuple[Callable[[str, HttpResponse, HttpResponse], Description | None], ...] = (
    _describe_tls,
    _describe_s3,
    _describe_login,
    _describe_redirect,
    _describe_gateway,
    _describe_rate_limit,
    _describe_draft,
    _describe_webdav,
    _describe_page,
    _describe_missing,
    _describe_method,
    _describe_error,
)
