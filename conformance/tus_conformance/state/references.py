"""References in the text of a scenario: what each means in one execution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tus_conformance.state.digests import body_digest
from tus_conformance.state.early_exit import UnresolvedReference
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.transport import Payload
from tus_conformance.transport.header_values import is_integer, parse_integer

_REFERENCE = re.compile(r"\{([A-Za-z][A-Za-z0-9.-]*?)([+-][0-9]+)?\}")


@dataclass(frozen=True)
class References:
    """Everything a text may refer to; the mappings grow during the execution."""

    session: Session
    parameters: Mapping[str, str | int]
    uploads: Mapping[str, UploadState]
    replies: Mapping[str, StepResponse]
    offsets: Mapping[str, int] = field(default_factory=dict)

    def as_of(self, reply: StepResponse) -> References:
        """Return the references as of the time a request was sent, to evaluate its response."""
        return replace(self, offsets=reply.offsets_before)

    def resolve_text(self, template: str, body: Payload | None = None) -> str:
        """Fill in the references of a text; raise Unbound where one has nothing to stand for.

        `body` is what `{body.sha1}` and its like are digests of.
        """

        def substitute(match: re.Match[str]) -> str:
            name, shift = match[1], match[2]
            value = (
                body_digest(name, body) if name.startswith("body.") else self._reference_value(name)
            )
            return _shift(name, value, int(shift)) if shift else value

        return _REFERENCE.sub(substitute, template)

    def resolve_number(self, value: int | str) -> int:
        """Return a number that may be written with references."""
        if isinstance(value, int):
            return value
        text = self.resolve_text(value)
        if not is_integer(text):
            raise UnresolvedReference(f"{value} is not a number: {text[:40]!r}")
        return parse_integer(text)

    def upload(self, name: str) -> UploadState:
        """Return the upload of a name; raise Unbound where its creation was not accepted."""
        if name not in self.uploads:
            raise UnresolvedReference(f"there is no upload {name!r}: its creation was not accepted")
        return self.uploads[name]

    def response(self, step: str) -> StepResponse:
        """Return the answer to a step; raise Unbound where that was not performed."""
        if step not in self.replies:
            raise UnresolvedReference(f"there was no response to {step!r}")
        return self.replies[step]

    def _reference_value(self, name: str) -> str:
        if name in self.parameters:
            return str(self.parameters[name])
        fixed = {
            "creation": self.session.target.url,
            "unknown": self.session.unknown_url,
            "origin": self.session.target.profile.origin,
        }.get(name)
        if fixed is not None:
            return fixed
        if name == "max-size":
            if self.session.discovery.max_size is None:
                raise UnresolvedReference("the server states no Tus-Max-Size")
            return str(self.session.discovery.max_size)
        first, _, rest = name.partition(".")
        if first in self.replies:
            return self._header_value(first, rest)
        return self._upload_value(self.upload(first), rest)

    def _header_value(self, step: str, name: str) -> str:
        value = self.replies[step].header(name)
        if value is None:
            raise UnresolvedReference(f"the response to {step!r} has no {name}")
        return value

    def _upload_value(self, upload: UploadState, rest: str) -> str:
        if rest == "offset":
            return str(self.offsets.get(upload.name, upload.offset))
        if rest == "metadata":
            if upload.metadata is None:
                raise UnresolvedReference(
                    f"the upload {upload.name!r} was created without metadata"
                )
            return upload.metadata
        if rest == "path":
            parts = urlsplit(upload.url)
            return parts.path + (f"?{parts.query}" if parts.query else "")
        return upload.url


def _shift(name: str, value: str, by: int) -> str:
    if not is_integer(value.removeprefix("-")):
        raise UnresolvedReference(f"{name} is not a number: {value[:40]!r}")
    sign = -1 if value.startswith("-") else 1
    return str(sign * parse_integer(value.removeprefix("-")) + by)
