"""Faults about OPTIONS and what is listed there (Core, OPTIONS; Protocol Extensions)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.defects.defect import Defect, DefectSpec
from tus_reference.defects.modification import Modification
from tus_reference.defects.response_edits import (
    failure,
    having,
    is_creation,
    refusal,
    rewritten,
    saying,
    succeeded,
    to,
    value,
    with_status,
    without,
)

if TYPE_CHECKING:
    from tus_reference.model import Request, Response

_OPTIONS = to("OPTIONS")
_LARGE = 2**40


@DefectSpec("core.options.status", warns="core.options.status", matches=_OPTIONS).edit_response
def options_with_206(request: Request, response: Response) -> Response:
    """OPTIONS is answered with 206."""
    return with_status(response, 206) if succeeded(response) else response


@DefectSpec(
    "core.options.status",
    fails=(
        "core.tus-extension.omit-when-empty core.method-override.honoured core.options.target "
        "ext.discovery.tus-extension creation.supported creation.advertise "
        "creation.defer-length.advertise creation-with-upload.advertise expiration.advertise "
        "checksum.may-implement checksum.advertise checksum.options-header "
        "checksum-trailer.advertise termination.advertise concatenation.advertise "
        "concatenation-unfinished.advertise"
    ),
    warns="core.tus-max-size.advertise",
    matches=_OPTIONS,
).edit_response
def options_fails(request: Request, response: Response) -> Response:
    """OPTIONS is answered with 500."""
    return failure()


@DefectSpec(
    "core.options.ignore-tus-resumable", matches=having("Tus-Resumable", "OPTIONS")
).edit_response
def options_refuses_any_version(request: Request, response: Response) -> Response:
    """OPTIONS with Tus-Resumable is refused with 400, whatever the version."""
    return refusal(400)


@DefectSpec("core.options.tus-version", matches=_OPTIONS).edit_response
def options_without_versions(request: Request, response: Response) -> Response:
    """OPTIONS does not tell the versions."""
    return without(response, "Tus-Version")


@DefectSpec(
    "ext.discovery.tus-extension",
    fails=(
        "creation.advertise creation.defer-length.advertise creation-with-upload.advertise "
        "expiration.advertise checksum.advertise checksum-trailer.advertise "
        "termination.advertise concatenation.advertise concatenation-unfinished.advertise"
    ),
    warns="ext.discovery.tus-extension creation.supported",
    matches=_OPTIONS,
).edit_response
def options_without_extensions(request: Request, response: Response) -> Response:
    """OPTIONS does not tell the extensions."""
    return without(response, "Tus-Extension")


@DefectSpec(
    "core.tus-extension.omit-when-empty",
    fails=(
        "core.tus-extension.format creation.advertise creation.defer-length.advertise "
        "creation-with-upload.advertise expiration.advertise checksum.advertise "
        "checksum-trailer.advertise termination.advertise concatenation.advertise "
        "concatenation-unfinished.advertise"
    ),
    warns="creation.supported",
    matches=_OPTIONS,
).edit_response
def extensions_empty(request: Request, response: Response) -> Response:
    """Tus-Extension is there and empty."""
    return saying(response, "Tus-Extension", "")


@DefectSpec("core.tus-extension.format", matches=_OPTIONS).edit_response
def extensions_with_a_gap(request: Request, response: Response) -> Response:
    """Tus-Extension has an empty member."""
    return rewritten(response, "Tus-Extension", lambda text: text.replace(",", ",,", 1))


@DefectSpec(
    "core.tus-max-size.format", warns="core.tus-max-size.advertise", matches=_OPTIONS
).edit_response
def maximum_in_words(request: Request, response: Response) -> Response:
    """Tus-Max-Size is a number with a unit."""
    return rewritten(response, "Tus-Max-Size", lambda text: f"{text} bytes")


@DefectSpec(
    "core.tus-max-size.format",
    fails="creation.max-size.413",
    warns="core.tus-max-size.format",
    matches=_OPTIONS,
    quirk="no-maximum",
).edit_response
def maximum_of_zero(request: Request, response: Response) -> Response:
    """Tus-Max-Size is 0, meant to say that there is no limit."""
    return saying(response, "Tus-Max-Size", "0")


def _is_large(request: Request) -> bool:
    length = value(request, "Upload-Length")
    return is_creation(request) and length.isdecimal() and int(length) > _LARGE


@DefectSpec(
    "core.tus-max-size.advertise",
    warns="core.tus-max-size.advertise",
    quirk="no-maximum",
    matches=_is_large,
).edit_response
def secret_maximum(request: Request, response: Response) -> Response:
    """There is a limit of a terabyte, and OPTIONS does not tell."""
    return refusal(413)


@DefectSpec(
    "core.tus-max-size.advertise",
    warns="core.upload-length.reject-invalid core.tus-max-size.advertise",
    quirk="no-maximum",
    matches=_is_large,
).edit_response
def trips_over_large_lengths(request: Request, response: Response) -> Response:
    """Lengths beyond a terabyte make the server fail."""
    return failure()


@DefectSpec(
    "core.options.target",
    matches=lambda request: _OPTIONS(request) and request.path.rstrip("/").count("/") > 1,
).edit_response
def options_fails_at_uploads(request: Request, response: Response) -> Response:
    """OPTIONS at the URL of an upload is answered with 500."""
    return failure()


@DefectSpec(
    "core.options.target",
    warns="core.options.target",
    matches=lambda request: _OPTIONS(request) and request.path == "*",
).edit_response
def options_fails_for_the_server(request: Request, response: Response) -> Response:
    """OPTIONS for the server as a whole is answered with 500."""
    return failure()


@DefectSpec("core.options.target", matches=having("Origin")).edit_response
def trips_over_browsers(request: Request, response: Response) -> Response:
    """Requests that come from a page are answered with 500."""
    return failure()


def _unlisted(extension: str, breaks: str, *, fails: str = "", warns: str = "") -> Defect:
    """Return the fault of not listing an extension that works."""

    def edit_response(_: Request, response: Response) -> Response:
        def left(text: str) -> str:
            return ",".join(name for name in text.split(",") if name != extension)

        return rewritten(response, "Tus-Extension", left)

    sentence = f"OPTIONS does not list {extension}, which works."
    breach = DefectSpec(breaks, fails=fails, warns=warns)
    return breach.build(
        f"{extension}-unlisted", sentence, Modification(_OPTIONS, edit_response=edit_response)
    )


creation_unlisted = _unlisted(
    "creation",
    "creation.advertise",
    fails="creation-with-upload.requires-creation",
    warns="creation.supported",
)
with_upload_unlisted = _unlisted("creation-with-upload", "creation-with-upload.advertise")
defer_length_unlisted = _unlisted("creation-defer-length", "creation.defer-length.advertise")
expiration_unlisted = _unlisted("expiration", "expiration.advertise")
checksum_unlisted = _unlisted("checksum", "checksum.advertise")
checksum_trailer_unlisted = _unlisted("checksum-trailer", "checksum-trailer.advertise")
termination_unlisted = _unlisted("termination", "termination.advertise")
concatenation_unlisted = _unlisted("concatenation", "concatenation.advertise")
unfinished_unlisted = _unlisted("concatenation-unfinished", "concatenation-unfinished.advertise")


@DefectSpec(
    "creation-with-upload.requires-creation",
    fails=(
        "creation.max-size.413 creation-with-upload.upload-offset-present "
        "creation-with-upload.upload-offset-value creation-with-upload.patch-rules"
    ),
    warns=(
        "creation.zero-length.accept creation-with-upload.interrupted "
        "creation-with-upload.expect-continue"
    ),
    quirk="core-only",
    matches=_OPTIONS,
).edit_response
def with_upload_without_creation(request: Request, response: Response) -> Response:
    """creation-with-upload is listed where creation is not."""
    return saying(response, "Tus-Extension", "creation-with-upload")


# Tus-Checksum-Algorithm


@DefectSpec("checksum.options-header", matches=_OPTIONS).edit_response
def algorithms_not_told(request: Request, response: Response) -> Response:
    """OPTIONS does not tell the checksum algorithms."""
    return without(response, "Tus-Checksum-Algorithm")


@DefectSpec(
    "checksum.algorithm-header-format", fails="checksum.algorithm-names", matches=_OPTIONS
).edit_response
def algorithms_with_a_gap(request: Request, response: Response) -> Response:
    """Tus-Checksum-Algorithm has an empty member."""
    return rewritten(response, "Tus-Checksum-Algorithm", lambda text: f"{text},")


@DefectSpec("checksum.algorithm-names", matches=_OPTIONS).edit_response
def algorithms_in_capitals(request: Request, response: Response) -> Response:
    """The names of some algorithms have upper-case letters."""
    return rewritten(
        response, "Tus-Checksum-Algorithm", lambda text: text.replace("crc32", "CRC32")
    )


@DefectSpec("checksum.sha1", matches=_OPTIONS).edit_response
def sha1_unlisted(request: Request, response: Response) -> Response:
    """sha1 is not among the algorithms."""
    return rewritten(response, "Tus-Checksum-Algorithm", lambda text: text.replace("sha1,", ""))
