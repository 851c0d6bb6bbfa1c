"""How S3 services differ from AWS, as hooks for `InterceptedS3`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from memory_s3 import client_error

if TYPE_CHECKING:
    from memory_s3 import MemoryS3

Call = Callable[[], Any]
Hook = Callable[[str, Mapping[str, Any], Call], Any]


def refuse(operation: str, code: str, status: int = 400) -> Hook:
    """Return a hook that refuses every call of a name, and does not carry it out."""

    def hook(name: str, _arguments: Mapping[str, Any], call: Call) -> Any:
        if name == operation:
            raise client_error(code, status)
        return call()

    return hook


def complete_and_report(code: str, status: int = 400) -> Hook:
    """Return a hook that completes multipart uploads, and reports a failure each time."""

    def hook(name: str, _arguments: Mapping[str, Any], call: Call) -> Any:
        if name != "complete_multipart_upload":
            return call()
        try:
            call()
        except Exception:
            raise client_error(code, status) from None
        raise client_error(code, status)

    return hook


def want_equal_parts(s3: MemoryS3) -> Hook:
    """Return a hook that completes only what has parts of one size, the last at most as long."""

    def hook(name: str, arguments: Mapping[str, Any], call: Call) -> Any:
        if name == "complete_multipart_upload":
            stored = s3.multiparts[arguments["UploadId"]].parts
            listed = arguments["MultipartUpload"]["Parts"]
            sizes = [len(stored[part["PartNumber"]].content) for part in listed]
            if len(set(sizes[:-1])) > 1 or sizes[-1] > sizes[0]:
                raise client_error("InvalidPart", 400)
        return call()

    return hook


def copy_as_empty_upload(name: str, _arguments: Mapping[str, Any], call: Call) -> Any:
    """Take the copying of a part for the upload of a part without bytes."""
    return {} if name == "upload_part_copy" else call()


class StaleLists:
    """ListParts answers with what there was at the first call, until `fresh` is set."""

    def __init__(self) -> None:
        self.fresh = False
        self._lists: dict[str, Any] = {}

    def __call__(self, name: str, arguments: Mapping[str, Any], call: Call) -> Any:
        if name != "list_parts" or self.fresh:
            return call()
        return self._lists.setdefault(arguments["UploadId"], call())


class LateObjects:
    """An object that was put is not visible before `visible` is set, nor is its new content."""

    def __init__(self) -> None:
        self.visible = False
        self._old: dict[str, Call] = {}

    def __call__(self, name: str, arguments: Mapping[str, Any], call: Call) -> Any:
        if name in {"get_object", "head_object"} and not self.visible:
            raise client_error("NoSuchKey" if name == "get_object" else "404", 404)
        return call()
