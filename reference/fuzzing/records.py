"""Records: whatever is in an `.info` file, requests and the sweep go on, and DELETE removes it."""

# The folder is small, and the only task waits for it.
# ruff: noqa: ASYNC240

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fuzzing.exchange import FuzzedServer, RuleBroken
from tus_reference import FileInfo, FileStore
from tus_reference.stores import info_file

if TYPE_CHECKING:
    from collections.abc import Iterator

UPLOAD_ID, OTHER_ID = "0123456789abcdef" * 2, "fedcba9876543210" * 2

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 2**63, 2**64, 10**400, 1e308, 1e18, -1e18, 0, 5, 10]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["../decoy", "/etc/passwd", OTHER_ID, "a\r\nb: c", "partial", "final;x", "é✓"]),
    st.lists(st.one_of(st.text(max_size=10), st.sampled_from([OTHER_ID, "../decoy"])), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=5), st.none()), max_size=3),
)
_KEYS = (
    *("ID", "Size", "SizeIsDeferred", "Offset", "MetaData", "IsPartial", "IsFinal"),
    *("PartialUploads", "Storage", "TusReference"),
)
_OUR_KEYS = ("UploadMetadata", "UploadConcat", "Expires", "Finished", "Revision")


@dataclass(frozen=True)
class RecordExample:
    """What is in place of a record, and how many bytes the upload has; None for no such file."""

    record: bytes | None
    size: int | None
    kind: str = "file"

    def write(self, folder: Path) -> None:
        """Put it into the folder."""
        if self.size is not None:
            (folder / UPLOAD_ID).write_bytes(b"x" * self.size)
        path = folder / f"{UPLOAD_ID}.info"
        if self.kind == "directory":
            path.mkdir()
            (path / "within").touch()
        elif self.kind == "loop":
            path.symlink_to(path.name)
        elif self.kind == "link":
            path.symlink_to("../decoy")
        elif self.kind == "pipe":
            os.mkfifo(path)
        elif self.kind == "large":
            path.touch()
            os.truncate(path, 1 << 40)
        elif self.record is not None:
            path.write_bytes(self.record)


@st.composite
def _records(draw: st.DrawFn) -> bytes | None:
    info = FileInfo(id=UPLOAD_ID, size=10, metadata={"a": b"b"}, metadata_header="a Yg==")
    whole = info_file.encode(info)
    content: dict[str, Any] = json.loads(whole)
    for key in draw(st.lists(st.sampled_from(_KEYS), max_size=3)):
        content[key] = draw(_VALUES)
    for key in draw(st.lists(st.sampled_from(_OUR_KEYS), max_size=2)):
        if isinstance(content.get("TusReference"), dict):
            content["TusReference"][key] = draw(_VALUES)
    changed = json.dumps(content).encode("utf-8", "surrogatepass")
    contents: st.SearchStrategy[bytes | None] = st.one_of(
        st.just(changed),
        st.integers(0, len(changed)).map(lambda end: changed[:end]),
        st.binary(max_size=60),
        st.sampled_from([b"", b"[" * 100_000, b'{"a":' * 50_000, b"\0" * 200, b"null", None]),
        st.sampled_from([whole, whole + b"x", b"\xef\xbb\xbf" + whole]),
        st.just(whole.decode().encode("utf-16")),
    )
    return draw(contents)


def record_examples() -> st.SearchStrategy[RecordExample]:
    """Return records of every kind of damage."""
    kinds = st.sampled_from(["file"] * 8 + ["directory", "loop", "link", "pipe", "large"])
    sizes = st.one_of(st.none(), st.sampled_from([0, 4, 10, 11]))
    return st.builds(RecordExample, _records(), sizes, kinds)


async def check_record(example: RecordExample) -> None:
    """Send each request for the upload, and sweep; raise `RuleBroken` if a rule does not hold.

    The rules: no request fails the server; no descriptor stays open; no file outside of the folder
    changes; another upload is served; after DELETE, and after a sweep that finds no upload,
    nothing is left.
    """
    with tempfile.TemporaryDirectory(prefix="tus-fuzz-") as name:
        decoy, folder = Path(name, "decoy"), Path(name, "uploads")
        decoy.write_bytes(b"decoy")
        server, descriptors = FuzzedServer(FileStore(folder)), count_descriptors()
        (folder / OTHER_ID).write_bytes(b"x" * 4)
        (folder / f"{OTHER_ID}.info").write_bytes(info_file.encode(FileInfo(id=OTHER_ID, size=4)))
        example.write(folder)
        maintenance = server.handler.maintenance
        await maintenance.find_unfinished_uploads()
        for method in ("HEAD", "GET", "PATCH", "OPTIONS", "DELETE"):
            await server.exchange([_request(method, UPLOAD_ID)])
        await maintenance.remove_expired_uploads()
        await maintenance.remove_leftovers()
        if count_descriptors() > descriptors:
            raise RuleBroken(f"{count_descriptors() - descriptors} descriptors stay open")
        if await server.exchange([_request("HEAD", OTHER_ID)]) != [200]:
            raise RuleBroken("another upload is not served")
        if decoy.read_bytes() != b"decoy":
            raise RuleBroken("a file outside of the folder has changed")
        left = sorted(_other_names(folder))
        if left:
            raise RuleBroken(f"DELETE left {left}")


def count_descriptors() -> int:
    """Return how many descriptors this process has; 0 where the system does not say."""
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except FileNotFoundError:
        return 0


def _other_names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if not path.name.startswith(OTHER_ID))


def _request(method: str, upload_id: str) -> bytes:
    body = b"xx" if method == "PATCH" else b""
    return (
        f"{method} /files/{upload_id} HTTP/1.1\r\nHost: tus.test\r\nTus-Resumable: 1.0.0\r\n"
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 4\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
