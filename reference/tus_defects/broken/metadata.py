"""Defects of Upload-Metadata that rewrite or remember it (Creation)."""

from dataclasses import replace

from tus_defects.call import Call
from tus_defects.kinds import REQUESTS
from tus_defects.message_edits import rewrite
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import Refused, Response
from tus_reference.protocol import parse_metadata
from tus_reference.protocol.metadata import encode_base64

HEAD = Match(method="HEAD")
ECHO = "creation.metadata.head-echo"


@defect("metadata-keys-in-lower-case", ECHO, HEAD, client=True)
async def lower_keys(call: Call) -> Response:
    """HEAD returns the keys of the metadata in lower case."""

    def lower(text: str) -> str:
        pairs = [pair.partition(" ") for pair in text.split(",")]
        unique = {key.lower(): space + value for key, space, value in pairs}
        return ",".join(key + rest for key, rest in unique.items())

    return rewrite(await call.respond(), "Upload-Metadata", lower)


@defect("metadata-handled-as-text", ECHO, HEAD, client=True)
async def decode_values_as_text(call: Call) -> Response:
    """HEAD returns values that were decoded as UTF-8 and cut to 60 bytes, and drops __ keys."""

    def decode(text: str) -> str:
        try:
            pairs = parse_metadata(text)
        except Refused:
            return text
        kept = {k: v for k, v in pairs.items() if not k.startswith("__")}
        texts = {k: v.decode("utf-8", "replace").encode()[:60] for k, v in kept.items()}
        return ",".join(f"{k} {encode_base64(v)}" if v else k for k, v in texts.items())

    return rewrite(await call.respond(), "Upload-Metadata", decode)


@defect("metadata-reordered", ECHO, HEAD, client=True)
async def reverse_pairs(call: Call) -> Response:
    """HEAD returns the pairs of the metadata in reverse order, with space after the commas."""
    response = await call.respond()
    return rewrite(response, "Upload-Metadata", lambda text: ", ".join(text.split(",")[::-1]))


@defect("metadata-without-values-dropped", "creation.metadata.empty-value", HEAD, client=True)
async def drop_keys_without_values(call: Call) -> Response:
    """HEAD leaves out keys of the metadata that have no value."""

    def keep_values(text: str) -> str:
        kept = [pair for pair in text.split(",") if len(pair.strip().split(" ")) > 1]
        return ",".join(pair for pair in kept if not pair.endswith(" ")) or "none bm9uZQ=="

    return rewrite(await call.respond(), "Upload-Metadata", keep_values)


@defect("malformed-metadata-repeated", "creation.metadata.invalid", Match(method="POST|HEAD"))
async def echo_malformed_metadata(call: Call) -> Response:
    """Malformed metadata is accepted, and HEAD returns it as it came."""
    odd = REQUESTS["malformed-metadata"](call.request)
    return await call.echo("Upload-Metadata", None, unusual=odd)


@defect(
    "metadata-becomes-headers",
    "creation.metadata.sanitize",
    Match(method="HEAD|GET", upload=("known",)),
    client=True,
)
async def inject_headers(call: Call) -> Response:
    """A line break in a value of the metadata begins a new header of the response."""
    response = await call.respond()
    values = [each.decode("latin-1") for each in call.info.metadata.values()]
    # The server refuses line breaks in headers; what follows one is what a client would see.
    for line in "\r\n".join(values).split("\r\n")[1:]:
        name, colon, text = line.partition(": ")
        if colon and name.startswith("X-"):
            response = replace(response, headers=(*response.headers, (name, text)))
    return response
