"""Defects that show only for some values: of digests, metadata, lengths."""

from collections.abc import Callable

from tus_defects.call import Call
from tus_defects.message_edits import rewrite, set_header, succeeded, with_body, without_checksum
from tus_defects.rule import Match
from tus_defects.variant import defect
from tus_reference.model import BodyEndedEarly, Refused, Response
from tus_reference.protocol.checksum import parse_checksum
from tus_reference.protocol.metadata import encode_base64

CHECKED = Match(method="PATCH", header={"Upload-Checksum": True})
SHA256 = Match(method="PATCH", header={"Upload-Checksum": "sha256 .*"})
VERIFY = "checksum.verify"
HEAD = Match(method="HEAD")
CREATION = Match(request=("creation",))
LEADING_ZERO = Match(request=("creation",), header={"Upload-Length": "0[0-7]*[1-7][0-7]*"})
REDECLARED = Match(
    method="PATCH",
    upload=("partial",),
    header={"Upload-Length": True},
    history=("created-deferred",),
)


async def _compare(call: Call, is_same: Callable[[bytes, bytes], bool]) -> Response:
    """Respond as if a checksum were right where a weaker comparison says so."""
    try:
        checksum = parse_checksum(call.header("Upload-Checksum"))
        data = await call.read_body()
    except (Refused, BodyEndedEarly):
        return await call.respond()
    hash_ = checksum.new_hash()
    hash_.update(data)
    request = with_body(call.request, data)
    return await call.respond(
        without_checksum(request) if is_same(hash_.digest(), checksum.digest) else request
    )


@defect("digest-compared-by-its-start", VERIFY, CHECKED)
async def compare_start_of_digest(call: Call) -> Response:
    """Only the first four bytes of a digest are compared."""
    return await _compare(call, lambda right, sent: right[:4] == sent[:4])


@defect("digest-compared-by-its-end", VERIFY, CHECKED)
async def compare_end_of_digest(call: Call) -> Response:
    """Only the last byte of a digest is compared."""
    return await _compare(call, lambda right, sent: right[-1] == sent[-1])


@defect("digest-compared-without-last-byte", VERIFY, CHECKED)
async def ignore_last_byte_of_digest(call: Call) -> Response:
    """The last byte of a digest is not compared."""
    return await _compare(call, lambda right, sent: right[:-1] == sent[:-1])


@defect("digest-compared-without-lowest-bits", VERIFY, CHECKED)
async def ignore_lowest_bits_of_digest(call: Call) -> Response:
    """The lowest bit of each byte of a digest is not compared."""
    return await _compare(
        call, lambda right, sent: [byte | 1 for byte in right] == [byte | 1 for byte in sent]
    )


@defect("digest-compared-without-order", VERIFY, CHECKED)
async def ignore_order_of_digest(call: Call) -> Response:
    """The bytes of a digest are compared whatever their order is."""
    return await _compare(call, lambda right, sent: sorted(right) == sorted(sent))


@defect("digest-compared-without-case", VERIFY, CHECKED)
async def ignore_case_of_digest(call: Call) -> Response:
    """The base64 of a digest is compared without regard to case."""
    return await _compare(
        call, lambda right, sent: encode_base64(right).lower() == encode_base64(sent).lower()
    )


@defect("sha256-compared-by-its-start", VERIFY, SHA256)
async def compare_half_of_sha256(call: Call) -> Response:
    """Only the first half of a sha256 is compared."""
    return await _compare(call, lambda right, sent: right[:16] == sent[:16])


@defect("only-first-64-kib-verified", VERIFY, CHECKED)
async def skip_checksum_over_64_kib(call: Call) -> Response:
    """The checksum of a body of more than 64 KiB is not verified."""
    length = call.request.body.length
    if length is None or length <= 65536:
        return await call.respond()
    return await call.respond(without_checksum(call.request))


def _pairs(text: str) -> list[str]:
    return [pair for pair in text.split(",") if pair]


def _without_equal_values(text: str) -> str:
    kept: dict[str, str] = {}
    for pair in _pairs(text):
        key, _, value = pair.partition(" ")
        kept.setdefault(value or key, pair)
    return ",".join(kept.values())


@defect("metadata-with-equal-values-merged", "creation.metadata.head-echo", HEAD, client=True)
async def merge_equal_metadata(call: Call) -> Response:
    """HEAD returns only the first of the metadata pairs with the same value."""
    return rewrite(await call.respond(), "Upload-Metadata", _without_equal_values)


@defect("only-ten-metadata-pairs-kept", "creation.metadata.head-echo", HEAD, client=True)
async def keep_ten_metadata_pairs(call: Call) -> Response:
    """HEAD returns at most ten metadata pairs."""
    return rewrite(
        await call.respond(), "Upload-Metadata", lambda text: ",".join(_pairs(text)[:10])
    )


@defect("long-metadata-values-cut", "creation.metadata.head-echo", HEAD, client=True)
async def cut_long_metadata_values(call: Call) -> Response:
    """HEAD returns at most 256 characters of each metadata value."""

    def cut(text: str) -> str:
        split = [pair.partition(" ") for pair in _pairs(text)]
        return ",".join(f"{key}{space}{value[:256]}" for key, space, value in split)

    return rewrite(await call.respond(), "Upload-Metadata", cut)


@defect(
    "metadata-of-last-creation-returned",
    "creation.metadata.head-echo",
    Match(method="POST|HEAD"),
    client=True,
)
async def return_last_metadata(call: Call) -> Response:
    """HEAD returns the metadata of the last creation that had any."""
    if call.method == "POST" and call.has("Upload-Metadata"):
        call.memory.texts["last"] = call.header("Upload-Metadata")
    response = await call.respond()
    if call.method == "HEAD" and "last" in call.memory.texts and call.memory.texts["last"]:
        return rewrite(response, "Upload-Metadata", lambda _: call.memory.texts["last"])
    return response


@defect("length-rounded-to-53-bits", "core.head.upload-length", HEAD, on="no-maximum", client=True)
async def round_length_to_53_bits(call: Call) -> Response:
    """HEAD returns a length beyond 2 to the power of 53 as a rounded number."""

    def rounded(text: str) -> str:
        return str(int(float(text)))

    return rewrite(await call.respond(), "Upload-Length", rounded)


@defect("length-with-leading-zero-is-octal", "core.head.upload-length", LEADING_ZERO, client=True)
async def read_octal_length(call: Call) -> Response:
    """A length with leading zeros is read as an octal number."""
    return await call.respond(Upload_Length=str(int(call.header("Upload-Length"), 8)))


@defect("declared-length-of-partial-changes", "creation.defer-length.length-immutable", REDECLARED)
async def change_declared_length_of_partial(call: Call) -> Response:
    """The declared length of a partial upload is replaced by a later one."""
    length = call.number("Upload-Length")
    if length is None or call.info.size in {None, length} or length < call.info.offset:
        return await call.respond()
    await call.server.set_length(call.upload_id, length)
    return await call.respond()


@defect(
    "patch-offset-truncated-to-16-bits",
    "core.patch.upload-offset-value",
    Match(method="PATCH"),
    client=True,
)
async def truncate_patch_offset_to_16_bits(call: Call) -> Response:
    """PATCH returns the offset modulo 65,536."""
    response = await call.respond()
    if not succeeded(response):
        return response
    return rewrite(response, "Upload-Offset", lambda text: str(int(text) % 65536))


@defect("head-offset-rounded-to-kib", "core.head.offset-accurate", HEAD, client=True)
async def round_head_offset_to_kib(call: Call) -> Response:
    """HEAD returns offsets beyond 64 KiB rounded down to whole KiB, unless they are the length."""
    response, info = await call.respond(), await call.upload()
    if info is None or info.is_complete or info.offset <= 65536:
        return response
    return set_header(response, "Upload-Offset", str(info.offset // 1024 * 1024))
