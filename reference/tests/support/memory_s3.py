"""An S3 in memory that is as strict as AWS, and wrappers that count, fail and hold its calls."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PAGE = 1000


def client_error(code: str, status: int) -> ClientError:
    """Return the exception with which boto3 passes on an error of S3's."""
    told = {"Code": code, "Message": "account 123, key AKIASECRET"}
    metadata = {"HTTPStatusCode": status, "RequestId": "REQUEST", "HTTPHeaders": {}}
    return ClientError({"Error": told, "ResponseMetadata": metadata}, "Anything")  # type: ignore[arg-type, unused-ignore]


@dataclass
class StoredObject:
    """One object, or one part."""

    content: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass
class MultipartUpload:
    """One multipart upload under way."""

    key: str
    metadata: Mapping[str, str]
    content_type: str | None
    parts: dict[int, StoredObject] = field(default_factory=dict)
    overwritten: list[tuple[int, StoredObject]] = field(default_factory=list)


class MemoryS3:
    """One bucket, `bucket`; parts but the last have at least `min_part_size` bytes.

    With `lists_overwritten` it lists all parts that a number ever had, as SeaweedFS does.
    """

    def __init__(
        self,
        *,
        min_part_size: int = 5,
        max_part_size: int = 5000,
        lists_overwritten: bool = False,
    ) -> None:
        self.lists_overwritten = lists_overwritten
        self.objects: dict[str, StoredObject] = {}
        self.multiparts: dict[str, MultipartUpload] = {}
        self.min_part_size = min_part_size
        self.max_part_size = max_part_size
        self._lock = threading.Lock()
        self._ids = 0

    def create_multipart_upload(self, **a: Any) -> Any:
        with self._in(a):
            told = sum(len(k) + len(v) for k, v in a["Metadata"].items())
            if told > 2048 or not "".join(a["Metadata"].values()).isprintable():
                raise client_error("MetadataTooLarge", 400)
            self._ids += 1
            found = MultipartUpload(a["Key"], a["Metadata"], a.get("ContentType"))
            self.multiparts[f"multi.part_{self._ids}"] = found
            return {"UploadId": f"multi.part_{self._ids}"}

    def upload_part(self, **a: Any) -> Any:
        body = a["Body"]
        content = bytes(body) if isinstance(body, bytes | bytearray) else body.read()
        assert len(content) == a["ContentLength"]
        with self._in(a):
            return {"ETag": self._store_part(a, content)}

    def upload_part_copy(self, **a: Any) -> Any:
        with self._in(a):
            found = self._object(a["CopySource"]["Key"])
            if a.get("CopySourceIfMatch", found.etag) != found.etag:
                raise client_error("PreconditionFailed", 412)
            source = found.content
            if "CopySourceRange" in a:
                if len(source) <= self.min_part_size:
                    raise client_error("InvalidRequest", 400)
                first, last = map(int, a["CopySourceRange"].removeprefix("bytes=").split("-"))
                source = source[first : last + 1]
            return {"CopyPartResult": {"ETag": self._store_part(a, source)}}

    def _store_part(self, a: Mapping[str, Any], content: bytes) -> str:
        if not 1 <= a["PartNumber"] <= 10_000:
            raise client_error("InvalidArgument", 400)
        if len(content) > self.max_part_size:
            raise client_error("EntityTooLarge", 400)
        multipart, number = self._multipart(a), a["PartNumber"]
        if self.lists_overwritten and number in multipart.parts:
            multipart.overwritten.append((number, multipart.parts[number]))
        multipart.parts[number] = StoredObject(content)
        return multipart.parts[number].etag

    def complete_multipart_upload(self, **a: Any) -> Any:
        with self._in(a):
            multipart, listed = self._multipart(a), a["MultipartUpload"]["Parts"]
            numbers = [part["PartNumber"] for part in listed]
            if not numbers:
                raise client_error("MalformedXML", 400)
            if numbers != sorted(set(numbers)):
                raise client_error("InvalidPartOrder", 400)
            for part in listed:
                stored = multipart.parts.get(part["PartNumber"])
                if stored is None or stored.etag != part["ETag"]:
                    raise client_error("InvalidPart", 400)
                if part is not listed[-1] and len(stored.content) < self.min_part_size:
                    raise client_error("EntityTooSmall", 400)
            content = b"".join(multipart.parts[number].content for number in numbers)
            made = StoredObject(content, multipart.metadata, multipart.content_type)
            self.objects[multipart.key] = made
            del self.multiparts[a["UploadId"]]
            return {"ETag": made.etag}

    def abort_multipart_upload(self, **a: Any) -> Any:
        with self._in(a):
            self._multipart(a)
            del self.multiparts[a["UploadId"]]
            return {}

    def list_parts(self, **a: Any) -> Any:
        with self._in(a):
            marker = a.get("PartNumberMarker", 0)
            multipart = self._multipart(a)
            listed = [*multipart.overwritten, *multipart.parts.items()]
            parts = sorted(((n, p) for n, p in listed if n > marker), key=lambda one: one[0])
            page = [
                {"PartNumber": n, "Size": len(p.content), "ETag": p.etag} for n, p in parts[:PAGE]
            ]
            if len(parts) <= PAGE:
                return {"Parts": page, "IsTruncated": False} if page else {"IsTruncated": False}
            return {
                "Parts": page,
                "IsTruncated": True,
                "NextPartNumberMarker": page[-1]["PartNumber"],
            }

    def list_multipart_uploads(self, **a: Any) -> Any:
        with self._in(a):
            marker = (a.get("KeyMarker", ""), a.get("UploadIdMarker", ""))
            found = sorted((m.key, i) for i, m in self.multiparts.items())
            found = [one for one in found if one[0].startswith(a["Prefix"]) and one > marker]
            page = found[:PAGE]
            answer: dict[str, Any] = {"IsTruncated": len(found) > PAGE}
            answer["Uploads"] = [{"Key": key, "UploadId": id_} for key, id_ in page]
            if answer["IsTruncated"]:
                answer["NextKeyMarker"], answer["NextUploadIdMarker"] = page[-1]
            return answer

    def put_object(self, **a: Any) -> Any:
        body = a["Body"]
        content = bytes(body) if isinstance(body, bytes | bytearray) else body.read()
        with self._in(a):
            found = self.objects.get(a["Key"])
            if "IfNoneMatch" in a and found is not None:
                raise client_error("PreconditionFailed", 412)
            if "IfMatch" in a and (found is None or found.etag != a["IfMatch"]):
                raise client_error("PreconditionFailed", 412)
            self.objects[a["Key"]] = StoredObject(content, a["Metadata"])
            return {"ETag": self.objects[a["Key"]].etag}

    def get_object(self, **a: Any) -> Any:
        with self._in(a):
            found = self._object(a["Key"])
            if a.get("IfMatch", found.etag) != found.etag:
                raise client_error("PreconditionFailed", 412)
            content = found.content
            if "Range" in a:
                first, last = map(int, a["Range"].removeprefix("bytes=").split("-"))
                if first >= len(content):
                    raise client_error("InvalidRange", 416)
                content = content[first : last + 1]
            return {"Body": io.BytesIO(content)}

    def head_object(self, **a: Any) -> Any:
        with self._in(a):
            if a["Key"] not in self.objects:
                raise client_error("404", 404)
            found = self._object(a["Key"])
            size = len(found.content)
            return {"ContentLength": size, "ETag": found.etag, "Metadata": found.metadata}

    def delete_object(self, **a: Any) -> Any:
        with self._in(a):
            self.objects.pop(a["Key"], None)
            return {}

    def _in(self, a: Mapping[str, Any]) -> threading.Lock:
        if a["Bucket"] != "bucket":
            raise client_error("NoSuchBucket", 404)
        return self._lock

    def _object(self, key: str) -> StoredObject:
        if key not in self.objects:
            raise client_error("NoSuchKey", 404)
        return self.objects[key]

    def _multipart(self, a: Mapping[str, Any]) -> MultipartUpload:
        found = self.multiparts.get(a["UploadId"])
        if found is None or found.key != a["Key"]:
            raise client_error("NoSuchUpload", 404)
        return found


class InterceptedS3:
    """Another S3 whose calls are counted and pass through `hook(name, arguments, call)`."""

    def __init__(self, service: Any) -> None:
        self.service = service
        self.calls: Counter[str] = Counter()
        self.hook: Callable[[str, Mapping[str, Any], Callable[[], Any]], Any] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return the call of this name, watched."""
        operation = getattr(self.service, name)

        def intercepted(**arguments: Any) -> Any:
            self.calls[name] += 1
            if self.hook is None:
                return operation(**arguments)
            return self.hook(name, arguments, lambda: operation(**arguments))

        intercepted.__name__ = name
        return intercepted

    def fail(self, name: str, failure: Exception, *, times: int = 1, number: int = 0) -> None:
        """Fail the next calls of this name, of part `number` if it is given."""
        left = times

        def hook(called: str, arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
            nonlocal left
            wanted = called == name and number in (0, arguments.get("PartNumber"))
            if wanted and left:
                left -= 1
                raise failure
            return call()

        self.hook = hook

    def lose_reply(self, name: str, failure: Exception) -> None:
        """Let the next call of this name happen, and then fail it as if its reply was lost."""
        lost = False

        def hook(called: str, arguments: Mapping[str, Any], call: Callable[[], Any]) -> Any:
            nonlocal lost
            answer = call()
            if called == name and not lost:
                lost = True
                raise failure
            return answer

        self.hook = hook


class PieceSource:
    """A body that comes in pieces; it ends early if they are fewer than `size` tells."""

    def __init__(self, pieces: Iterable[bytes], size: int | None = None) -> None:
        self._pieces = list(pieces)
        self.size = size

    async def read_into(self, buffer: memoryview) -> int:
        while self._pieces:
            piece = self._pieces[0][: len(buffer)]
            self._pieces[0] = self._pieces[0][len(piece) :]
            if not self._pieces[0]:
                del self._pieces[0]
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
        return 0

    def __aiter__(self) -> Any:
        raise NotImplementedError


def byte_source(content: bytes) -> PieceSource:
    """Return a body that comes at once."""
    return PieceSource([content], len(content))
