"""The scribe: writes down each request of a recording as a step, with what its answer may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from tus_conformance.proxy.proxied_request import ProxiedRequest, header_value
from tus_conformance.transport.header_values import is_integer, parse_integer
from tus_scenarios import Condition, Expectation, FinishUpload, NetworkFault, RequestSpec, Step
from tus_scenarios.expectation import HeaderConditions, HeaderMatcher

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
class RecordedUpload:
    """An upload of a recording: what its client knew of it when the next request began.

    `offset` is what the server had acknowledged. It is `uncertain` once a connection broke, since
    another server may then have kept more or less; once it is `joined` into a final upload, a
    server may have deleted it.
    """

    name: str
    length: int | None = None
    offset: int = 0
    max_offset: int = 0
    uncertain: bool = False
    final: bool = False
    deleted: bool = False
    joined: bool = False


class ScenarioWriter:
    """Writes steps; `needed` collects what of the protocol they need."""

    def __init__(self) -> None:
        self.needed: set[str] = set()
        self._count = 0
        self._steps = 0

    def options_steps(self) -> tuple[Step, ...]:
        """Return a question for what the server can do."""
        expected = Expectation(status="2xx", checks="core.options.status")
        return (Step(options=RequestSpec(), expect=(expected,)),)

    def creation_step(
        self, proxied: ProxiedRequest, parts: list[RecordedUpload]
    ) -> tuple[RecordedUpload | None, Step]:
        """Return the upload that a creation made, if it did, and the step."""
        self.needed.add("post")
        self._count += 1
        upload = RecordedUpload(f"upload{self._count}", final=bool(parts))
        length = proxied.header("Upload-Length")
        if length is not None and is_integer(length):
            upload.length = parse_integer(length)
        if parts:
            upload.length = sum(part.length or 0 for part in parts)
            self.needed.add("partial")
        for part in parts:
            part.joined = True
        send = self._request_body(proxied, 0, upload.length)
        header = self._request_header(proxied, has_body=send is not None)
        if proxied.header("Upload-Concat") == "partial":
            header["Upload-Concat"] = "partial"
            self.needed.add("partial")
        if send is not None:
            self.needed.add("bytes")
        if proxied.header("Upload-Defer-Length") is not None:
            self.needed.add("defer")
        request = RequestSpec(
            of=upload.name,
            length=upload.length if not parts else None,
            defer=proxied.header("Upload-Defer-Length"),
            metadata=_metadata(proxied.header("Upload-Metadata")),
            parts=tuple(part.name for part in parts),
            send=send,
            header=header,
            framing="chunked" if proxied.chunked else "sized",
            trailer=self._request_trailer(proxied),
            faults=_client_faults(proxied),
        )
        created = proxied.status is not None and 200 <= proxied.status < 300
        acknowledged = header_value(proxied.response_headers, "Upload-Offset")
        upload.max_offset = proxied.received
        upload.offset = (
            parse_integer(acknowledged)
            if created and acknowledged is not None and is_integer(acknowledged)
            else 0
        )
        expected = Expectation(
            status="2xx", header={"Location": True}, checks="creation.post.201", otherwise="fail"
        )
        step = self._with_name(
            Step(post=request, needed=created, expect=(expected,) if created else ())
        )
        return (upload if created else None), step

    def upload_steps(
        self, method: str, proxied: ProxiedRequest, upload: RecordedUpload
    ) -> tuple[Step, ...]:
        """Return the step of a request about an upload."""
        if upload.deleted and method != "HEAD":
            return (
                self._with_name(Step(request=RequestSpec(method=method, to=f"{{{upload.name}}}"))),
            )
        if method == "PATCH" and upload.uncertain and proxied.status in {409, 423}:
            return ()  # a race of an interrupted request and its retry is not repeatable
        writers = {
            "PATCH": self._patch_step,
            "HEAD": self._head_step,
            "DELETE": self._delete_step,
            "GET": self._get_step,
        }
        return (writers[method](proxied, upload),) if method in writers else ()

    def finish_steps(self, upload: RecordedUpload) -> tuple[Step, ...]:
        """Return a look at every byte of an upload that was completed."""
        if upload.deleted or upload.joined or upload.length is None:
            return ()
        if not upload.final and upload.offset != upload.length:
            return ()
        row = "concatenation.final.order" if upload.final else "core.patch.apply-at-offset"
        expected = Expectation(intact=True, checks=row, otherwise="fail")
        return (Step(finish=FinishUpload(of=upload.name), within=10, expect=(expected,)),)

    def _patch_step(self, proxied: ProxiedRequest, upload: RecordedUpload) -> Step:
        declared = proxied.header("Upload-Length")
        if declared is not None and is_integer(declared):
            upload.length = parse_integer(declared)
            self.needed.add("defer")
        offset = proxied.header("Upload-Offset") or ""
        expected_there = offset == str(upload.offset)
        # "rest" is known only once the length is, which this request may declare.
        length = upload.length if declared is None else None
        send = self._request_body(
            proxied, parse_integer(offset) if is_integer(offset) else 0, length
        )
        values: dict[str, Any] = {
            "of": upload.name,
            "offset": None if expected_there else offset,
            "length": upload.length if declared == str(upload.length) else declared,
            "send": send,
            "framing": "chunked" if proxied.chunked else "sized",
            "trailer": self._request_trailer(proxied),
            "faults": _client_faults(proxied),
        }
        header = self._request_header(proxied, has_body=False)
        if proxied.method != "PATCH":
            header |= {"X-HTTP-Method-Override": "PATCH", "Content-Type": _TYPE}
            values["offset"] = values["offset"] or f"{{{upload.name}.offset}}"
            request = RequestSpec(
                method=proxied.method, to=f"{{{upload.name}}}", header=header, **values
            )
            step = Step(request=request)
        else:
            step = Step(patch=RequestSpec(header=header, **values))
        expect = (
            self._patch_expectations(proxied, upload)
            if expected_there
            else self._refusal_expectations(proxied)
        )
        self._update_upload(proxied, upload)
        return self._with_name(msgspec.structs.replace(step, expect=expect))

    def _patch_expectations(
        self, proxied: ProxiedRequest, upload: RecordedUpload
    ) -> tuple[Expectation, ...]:
        if not (proxied.status is not None and 200 <= proxied.status < 300):
            return self._refusal_expectations(proxied)
        accepted = Expectation(status="2xx", checks="core.patch.accept")
        end = upload.offset + proxied.received
        exact = not upload.uncertain
        match: HeaderConditions = (
            f"{{{upload.name}.offset+{proxied.received}}}" if proxied.received else True
        )
        if upload.length is not None and end == upload.length:
            match = str(upload.length)
        elif not exact:
            match = HeaderMatcher(form="integer")
        moved = Expectation(
            when=Condition(status="2xx"),
            header={"Upload-Offset": match},
            checks="core.patch.upload-offset-value",
        )
        return (accepted, moved)

    def _refusal_expectations(self, proxied: ProxiedRequest) -> tuple[Expectation, ...]:
        if proxied.status == 409 and proxied.complete:
            return (Expectation(status=409, checks="core.patch.offset-mismatch-409"),)
        return ()

    def _update_upload(self, proxied: ProxiedRequest, upload: RecordedUpload) -> None:
        acknowledged = header_value(proxied.response_headers, "Upload-Offset")
        answered = proxied.status is not None and 200 <= proxied.status < 300
        if answered and acknowledged is not None and is_integer(acknowledged) and proxied.complete:
            upload.offset = parse_integer(acknowledged)
        elif proxied.status is None or not proxied.complete:
            upload.uncertain = True

    def _head_step(self, proxied: ProxiedRequest, upload: RecordedUpload) -> Step:
        request = RequestSpec(of=upload.name)
        acknowledged = header_value(proxied.response_headers, "Upload-Offset")
        if proxied.status in {404, 410, 403}:
            gone = Expectation(status=(404, 410, 403), checks="termination.gone")
            return self._with_name(Step(head=request, expect=(gone,) if upload.deleted else ()))
        if acknowledged is None or not is_integer(acknowledged):
            return self._with_name(Step(head=request))
        upload.offset = parse_integer(acknowledged)
        if upload.uncertain:
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

    def _get_step(self, _: ProxiedRequest, upload: RecordedUpload) -> Step:
        return self._with_name(Step(get=RequestSpec(of=upload.name)))

    def _delete_step(self, proxied: ProxiedRequest, upload: RecordedUpload) -> Step:
        self.needed.add("delete")
        done = proxied.status is not None and 200 <= proxied.status < 300
        upload.deleted = done
        expected = Expectation(status=204, checks="termination.204")
        within = 5 if upload.uncertain else 0
        step = Step(
            delete=RequestSpec(of=upload.name), within=within, expect=(expected,) if done else ()
        )
        return self._with_name(step)

    # Parts of requests

    def _request_body(
        self, proxied: ProxiedRequest, offset: int, length: int | None
    ) -> int | str | None:
        """Return what is sent, also where not all of it came."""
        if not proxied.received and not proxied.length and not proxied.closed_by_client:
            return None
        announced = proxied.length
        if announced is None:
            announced = proxied.received if proxied.complete else proxied.received + 1
        if length is not None and offset + announced >= length and offset:
            return "rest"  # another server may have kept more or less of what was sent before
        return announced or None

    def _request_header(
        self, proxied: ProxiedRequest, *, has_body: bool
    ) -> dict[str, str | tuple[str, ...]]:
        header: dict[str, str | tuple[str, ...]] = {"Content-Type": _TYPE} if has_body else {}
        if proxied.header("Trailer") is not None:
            header["Trailer"] = "Upload-Checksum"
        checksum = self._checksum(proxied.header("Upload-Checksum"))
        return header | ({"Upload-Checksum": checksum} if checksum else {})

    def _request_trailer(self, proxied: ProxiedRequest) -> dict[str, str]:
        checksum = self._checksum(header_value(proxied.trailers, "Upload-Checksum"))
        if checksum is None:
            return {}
        return {"Upload-Checksum": checksum}

    def _checksum(self, value: str | None) -> str | None:
        found = _ALGORITHM.fullmatch(value or "")
        if found is None:
            return None
        return f"{found[1]} {{body.{found[1]}}}"

    def _with_name(self, step: Step) -> Step:
        """Return a step that has a name where it expects nothing."""
        if step.expect:
            return step
        self._steps += 1
        return msgspec.structs.replace(step, name=f"step-{self._steps}")


def _client_faults(proxied: ProxiedRequest) -> tuple[NetworkFault, ...]:
    """Return the fault that an end before its time comes to, be it the client's or the server's."""
    if proxied.complete:
        return (NetworkFault(lose="reply"),) if proxied.closed_by_client else ()
    body = proxied.length or proxied.chunked
    if not body:
        return (NetworkFault(cut=proxied.closed_by_client or "fin", at="last", inside="head"),)
    # An answer that comes before the cut is read, so that an early refusal is one again.
    return (NetworkFault(cut=proxied.closed_by_client or "fin", at=proxied.received),)


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
