"""References in the text of a scenario: what each stands for in one telling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tus_conformance.dialogue.digests import digest
from tus_conformance.dialogue.reply import Reply
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.stopping import Unbound
from tus_conformance.dialogue.uploads import Upload
from tus_conformance.wire import Payload

_REFERENCE = re.compile(r"\{([A-Za-z][A-Za-z0-9.-]*?)([+-][0-9]+)?\}")


@dataclass(frozen=True)
class References:
    """Everything a text may refer to; the mappings grow while the story is told."""

    session: Session
    parameters: Mapping[str, str | int]
    uploads: Mapping[str, Upload]
    replies: Mapping[str, Reply]
    offsets: Mapping[str, int] = field(default_factory=dict)

    def before(self, reply: Reply) -> References:
        """Return the references as they stood when a request was sent, to judge its answer by."""
        return replace(self, offsets=reply.before)

    def text(self, template: str, body: Payload | None = None) -> str:
        """Fill in the references of a text; raise Unbound where one has nothing to stand for.

        `body` is what `{body.sha1}` and its like are digests of.
        """

        def referent(match: re.Match[str]) -> str:
            name, shift = match[1], match[2]
            value = digest(name, body) if name.startswith("body.") else self._value(name)
            return str(int(value) + int(shift)) if shift else value

        return _REFERENCE.sub(referent, template)

    def number(self, value: int | str) -> int:
        """Return a number that may be written with references."""
        return value if isinstance(value, int) else int(self.text(value))

    def upload(self, name: str) -> Upload:
        """Return the upload of a name; raise Unbound where its creation was not accepted."""
        if name not in self.uploads:
            raise Unbound(f"there is no upload {name!r}: its creation was not accepted")
        return self.uploads[name]

    def reply(self, step: str) -> Reply:
        """Return the answer to a step; raise Unbound where that was not performed."""
        if step not in self.replies:
            raise Unbound(f"there was no answer to {step!r}")
        return self.replies[step]

    def _value(self, name: str) -> str:
        if name in self.parameters:
            return str(self.parameters[name])
        if name == "creation":
            return self.session.target.url
        if name == "unknown":
            return self.session.unknown_url
        if name == "max-size":
            if self.session.discovery.max_size is None:
                raise Unbound("the server states no Tus-Max-Size")
            return str(self.session.discovery.max_size)
        first, _, rest = name.partition(".")
        if first in self.replies:
            return self._header(first, rest)
        return self._of_upload(self.upload(first), rest)

    def _header(self, step: str, name: str) -> str:
        value = self.replies[step].header(name)
        if value is None:
            raise Unbound(f"the answer to {step!r} has no {name}")
        return value

    def _of_upload(self, upload: Upload, rest: str) -> str:
        if rest == "offset":
            return str(self.offsets.get(upload.name, upload.offset))
        if rest == "metadata":
            if upload.metadata is None:
                raise Unbound(f"the upload {upload.name!r} was created without metadata")
            return upload.metadata
        if rest == "path":
            parts = urlsplit(upload.url)
            return parts.path + (f"?{parts.query}" if parts.query else "")
        return upload.url
