"""Changing bytes: those that are stored of an upload, and those of a download."""

from collections.abc import Callable
from dataclasses import replace

from tus_defects.call import Call
from tus_defects.rule import BytesChange, Edit
from tus_reference.model import Download, FileInfo, Response


def _invert(data: bytes, at: int) -> bytes:
    if not -len(data) <= at < len(data):
        return data
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _zero(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(len(data[at:]))


BYTES: dict[BytesChange, Callable[[bytes, int], bytes]] = {
    "byte-inverted": _invert,
    "last-byte-dropped": lambda data, _: data[:-1],
    "byte-added": lambda data, _: data + b"?",
    "cut": lambda data, at: data[:at],
    "zeroed": _zero,
    "reversed": lambda data, _: data[::-1],
    "doubled": lambda data, _: data * 2,
}
"""Changes of bytes, each with a position."""


async def change_stored(edit: Edit, call: Call, response: Response) -> None:
    """Change what is stored of the uploads that an edit is about."""
    server = call.server
    for info in await _uploads(edit, call, response):
        match edit.stored:
            case "removed":
                await server.remove(info.id)
            case "metadata-removed":
                await server.rewrite(info, _keep, metadata={}, metadata_header=None)
            case "length-forgotten":
                await server.rewrite(info, _keep, size=None)
            case "undone":
                await server.rewrite(info, _changed("cut", call.info.offset))
            case "":
                return
            case _:
                await server.rewrite(info, _changed(edit.stored, edit.at))


def _changed(change: BytesChange, at: int) -> Callable[[bytes], bytes]:
    return lambda data: BYTES[change](data, at)


def _keep(data: bytes) -> bytes:
    return data


async def _uploads(edit: Edit, call: Call, response: Response) -> list[FileInfo]:
    info = await call.upload() or await call.find_created(response)
    if edit.of == "others":
        found = await call.server.find_all()
        return [each for each in found if info is None or each.id != info.id]
    if info is None:
        return []
    match edit.of:
        case "partials":
            return await call.server.find_partials(info)
        case "finals":
            found = await call.server.find_all()
            return [each for each in found if info.id in each.partial_uploads]
    return [info]


async def change_content(edit: Edit, response: Response) -> Response:
    """Return a download with other bytes."""
    if not isinstance(response.body, Download) or not edit.content:
        return response
    data = b"".join([chunk async for chunk in response.body.chunks])
    return replace(response, body=BYTES[edit.content](data, edit.at))
