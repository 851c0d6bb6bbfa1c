"""The scribe: writes down each request of a recording as a step, with what its answer may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from tus_conformance.dialogue.headers import is_integer
from tus_conformance.proxying.passing import Passing, value_in
from tus_scenarios import Condition, Expectation, Fault, Finish, Request, Step
from tus_scenarios.expectation import HeaderMatches, Matcher

_TYPE = "application/offset+octet-stream"
_PLACEHOLDERS = {
    "filename": "dXBsb2FkLmJpbg==",
    "name": "dXBsb2FkLmJpbg==",
    "filetype": "YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt",
    "type": "YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt",
}
_ANY_VALUE = "dmFsdWU="
_ALGORITHM = re.compile(r"(md5|sha1|sha256|sha512|crc32) .*")


@dataclass
class Recorded:
    """An upload of a recording: what its client knew of it when the next request began.

    `offset` is what the server had acknowledged. It is `unsettled` once a connection broke, since
    another server may then have kept more or less; once `used` for a final upload, a server may
    have deleted it.
    """

    name: str
    length: int | None = None
    offset: int = 0
    high: int = 0
    unsettled: bool = False
    final: bool = False
    gone: bool = False
    used: bool = False


class Scribe:
    """Writes steps; `used` collects what of the protocol they need."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self._count = 0
        self._steps = 0

    def options(self) -> tuple[Step, ...]:
        """Return a question for what the server can do."""
        expected = Expectation(status="2xx", checks="core.options.status")
        return (Step(options=Request(), expect=(expected,)),)

    def creation(self, passing: Passing, parts: list[Recorded]) -> tuple[Recorded | None, Step]:
        """Return the upload that a creation made, if it did, and the step."""
        self.used.add("post")
        self._count += 1
        upload = Recorded(f"upload{self._count}", final=bool(parts))
        length = passing.header("Upload-Length")
        if length is not None and is_integer(length):
            upload.length = int(length)
        if parts:
            upload.length = sum(part.length or 0 for part in parts)
            self.used.add("partial")
        for part in parts:
            part.used = True
        send = self._body(passing, 0, upload.length)
        header = self._header(passing, has_body=send is not None)
        if passing.header("Upload-Concat") == "partial":
            header["Upload-Concat"] = "partial"
            self.used.add("partial")
        if send is not None:
            self.used.add("bytes")
        if passing.header("Upload-Defer-Length") is not None:
            self.used.add("defer")
        request = Request(
            of=upload.name,
            length=upload.length if not parts else None,
            defer=passing.header("Upload-Defer-Length"),
            metadata=_metadata(passing.header("Upload-Metadata")),
            parts=tuple(part.name for part in parts),
            send=send,
            header=header,
            framing="chunked" if passing.chunked else "sized",
            trailer=self._trailer(passing),
            faults=_broken(passing),
        )
        made = passing.status is not None and 200 <= passing.status < 300
        told = value_in(passing.answer, "Upload-Offset")
        upload.high = passing.came
        upload.offset = int(told) if made and told is not None and is_integer(told) else 0
        expected = Expectation(
            status="2xx", header={"Location": True}, checks="creation.post.201", otherwise="fail"
        )
        step = self._named(Step(post=request, needed=made, expect=(expected,) if made else ()))
        return (upload if made else None), step

    def about(self, method: str, passing: Passing, upload: Recorded) -> tuple[Step, ...]:
        """Return the step of a request about an upload."""
        if upload.gone and method != "HEAD":
            return (self._named(Step(request=Request(method=method, to=f"{{{upload.name}}}"))),)
        if method == "PATCH" and upload.unsettled and passing.status in {409, 423}:
            return ()  # a race between what had broken off and its retry, which is not to be told
        writers = {
            "PATCH": self._patch,
            "HEAD": self._head,
            "DELETE": self._delete,
            "GET": self._get,
        }
        return (writers[method](passing, upload),) if method in writers else ()

    def completed(self, upload: Recorded) -> tuple[Step, ...]:
        """Return a look at every byte of an upload that was completed."""
        if upload.gone or upload.used or upload.length is None:
            return ()
        if not upload.final and upload.offset != upload.length:
            return ()
        row = "concatenation.final.order" if upload.final else "core.patch.apply-at-offset"
        expected = Expectation(intact=True, checks=row, otherwise="fail")
        return (Step(finish=Finish(of=upload.name), within=10, expect=(expected,)),)

    def _patch(self, passing: Passing, upload: Recorded) -> Step:
        declared = passing.header("Upload-Length")
        if declared is not None and is_integer(declared):
            upload.length = int(declared)
            self.used.add("defer")
        offset = passing.header("Upload-Offset") or ""
        expected_there = offset == str(upload.offset)
        # "rest" is known only once the length is, which this very request may tell.
        length = upload.length if declared is None else None
        send = self._body(passing, int(offset) if is_integer(offset) else 0, length)
        values: dict[str, Any] = {
            "of": upload.name,
            "offset": None if expected_there else offset,
            "length": upload.length if declared == str(upload.length) else declared,
            "send": send,
            "framing": "chunked" if passing.chunked else "sized",
            "trailer": self._trailer(passing),
            "faults": _broken(passing),
        }
        header = self._header(passing, has_body=False)
        if passing.method != "PATCH":
            header |= {"X-HTTP-Method-Override": "PATCH", "Content-Type": _TYPE}
            values["offset"] = values["offset"] or f"{{{upload.name}.offset}}"
            request = Request(
                method=passing.method, to=f"{{{upload.name}}}", header=header, **values
            )
            step = Step(request=request)
        else:
            step = Step(patch=Request(header=header, **values))
        expect = self._of_patch(passing, upload) if expected_there else self._refused(passing)
        self._follow(passing, upload)
        return self._named(msgspec.structs.replace(step, expect=expect))

    def _of_patch(self, passing: Passing, upload: Recorded) -> tuple[Expectation, ...]:
        if not (passing.status is not None and 200 <= passing.status < 300):
            return self._refused(passing)
        accepted = Expectation(status="2xx", checks="core.patch.accept")
        end = upload.offset + passing.came
        exact = not upload.unsettled
        match: HeaderMatches = f"{{{upload.name}.offset+{passing.came}}}" if passing.came else True
        if upload.length is not None and end == upload.length:
            match = str(upload.length)
        elif not exact:
            match = Matcher(form="integer")
        moved = Expectation(
            when=Condition(status="2xx"),
            header={"Upload-Offset": match},
            checks="core.patch.upload-offset-value",
        )
        return (accepted, moved)

    def _refused(self, passing: Passing) -> tuple[Expectation, ...]:
        if passing.status == 409 and passing.whole:
            return (Expectation(status=409, checks="core.patch.offset-mismatch-409"),)
        return ()

    def _follow(self, passing: Passing, upload: Recorded) -> None:
        told = value_in(passing.answer, "Upload-Offset")
        answered = passing.status is not None and 200 <= passing.status < 300
        if answered and told is not None and is_integer(told) and passing.whole:
            upload.offset = int(told)
        elif passing.status is None or not passing.whole:
            upload.unsettled = True

    def _head(self, passing: Passing, upload: Recorded) -> Step:
        request = Request(of=upload.name)
        told = value_in(passing.answer, "Upload-Offset")
        if passing.status in {404, 410, 403}:
            gone = Expectation(status=(404, 410, 403), checks="termination.gone")
            return self._named(Step(head=request, expect=(gone,) if upload.gone else ()))
        if told is None or not is_integer(told):
            return self._named(Step(head=request))
        upload.offset = int(told)
        if upload.unsettled:
            found = Expectation(
                status="2xx", header={"Upload-Offset": True}, checks="core.net.detect-errors"
            )
            return Step(head=request, within=5, expect=(found,))
        match = str(upload.length) if upload.final else f"{{{upload.name}.offset}}"
        exact = Expectation(
            status="2xx",
            header={"Upload-Offset": match},
            checks="core.head.offset-accurate",
            otherwise="fail",
        )
        return Step(head=request, within=5 if upload.final else 0, expect=(exact,))

    def _get(self, _: Passing, upload: Recorded) -> Step:
        return self._named(Step(get=Request(of=upload.name)))

    def _delete(self, passing: Passing, upload: Recorded) -> Step:
        self.used.add("delete")
        done = passing.status is not None and 200 <= passing.status < 300
        upload.gone = done
        expected = Expectation(status=204, checks="termination.204")
        within = 5 if upload.unsettled else 0
        step = Step(
            delete=Request(of=upload.name), within=within, expect=(expected,) if done else ()
        )
        return self._named(step)

    # Parts of requests

    def _body(self, passing: Passing, offset: int, length: int | None) -> int | str | None:
        """Return what is sent, also where not all of it came."""
        if not passing.came and not passing.length and not passing.broke:
            return None
        meant = passing.length
        if meant is None:
            meant = passing.came if passing.whole else passing.came + 1
        if length is not None and offset + meant >= length and offset:
            return "rest"  # another server may have kept more or less of what was sent before
        return meant or None

    def _header(self, passing: Passing, *, has_body: bool) -> dict[str, str | tuple[str, ...]]:
        header: dict[str, str | tuple[str, ...]] = {"Content-Type": _TYPE} if has_body else {}
        if passing.header("Trailer") is not None:
            header["Trailer"] = "Upload-Checksum"
        checksum = self._checksum(passing.header("Upload-Checksum"))
        return header | ({"Upload-Checksum": checksum} if checksum else {})

    def _trailer(self, passing: Passing) -> dict[str, str]:
        checksum = self._checksum(value_in(passing.trailers, "Upload-Checksum"))
        if checksum is None:
            return {}
        return {"Upload-Checksum": checksum}

    def _checksum(self, value: str | None) -> str | None:
        found = _ALGORITHM.fullmatch(value or "")
        if found is None:
            return None
        return f"{found[1]} {{body.{found[1]}}}"

    def _named(self, step: Step) -> Step:
        """Return a step that has a name where it expects nothing."""
        if step.expect:
            return step
        self._steps += 1
        return msgspec.structs.replace(step, name=f"step-{self._steps}")


def _broken(passing: Passing) -> tuple[Fault, ...]:
    """Return the fault that an end before its time comes to, be it the client's or the server's."""
    if passing.whole:
        return (Fault(lose="reply"),) if passing.broke else ()
    body = passing.length or passing.chunked
    if not body:
        return (Fault(cut=passing.broke or "fin", at="last", inside="head"),)
    # An answer that comes before the cut is read, so that an early refusal is one again.
    return (Fault(cut=passing.broke or "fin", at=passing.came),)


def _metadata(value: str | None) -> str | None:
    """Return metadata with placeholders for its values, and for keys that nobody knows."""
    if value is None:
        return None
    pairs = []
    for number, member in enumerate(value.split(","), 1):
        key, _, text = member.strip().partition(" ")
        kept = key if key in _PLACEHOLDERS else f"key-{number}"
        if not text:
            pairs.append(kept)
        else:
            pairs.append(f"{kept} {_PLACEHOLDERS.get(key, _ANY_VALUE)}")
    return ",".join(pairs) if value.strip() else ""
