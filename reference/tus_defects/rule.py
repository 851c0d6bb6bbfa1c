"""The rule language: what a rule matches and what it edits, as typed values read from TOML.

A rule is a layer around the server. It matches a request, the upload that the request is about
and the response; where all of these match, it edits the request on its way in and the response on
its way out, or answers itself. docs/defects.md explains every key with examples.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Identifier = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
Sentence = Annotated[str, Meta(pattern="^[A-Z0-9][^\n]*\\.$", max_length=100)]
RequirementId = Annotated[str, Meta(pattern="^[a-z]+(-[a-z]+)*(\\.[a-z0-9-]+)+$")]

Pattern = str
"""A regular expression that the whole value has to match."""

Template = str
"""A header value; see `editing.expand` for its placeholders: {offset}, {end}, {size}."""

# fmt: off
RequestKind = Literal[
    "tus-method", "creation", "creation-with-upload", "partial-creation", "final-creation",
    "creation-with-other-body", "creation-with-excess", "other-version", "no-version",
    "malformed-metadata", "malformed-checksum", "unknown-algorithm", "other-media-type",
    "media-type-variant",
]
UploadKind = Literal[
    "known", "regular", "partial", "final", "not-final", "complete", "unfinished",
    "deferred-length", "with-filename", "without-filename", "with-line-break",
    "empty", "fresh", "begun", "with-metadata",
]
HistoryWord = Literal[
    "created-with-upload", "created-chunked", "created-deferred", "created-partial",
    "created-final", "created-empty", "refused", "refused-offset", "refused-checksum", "broken",
    "deleted", "overridden", "chunked", "checked", "any-deleted", "any-refused", "any-final",
]
BytesChange = Literal[
    "byte-inverted", "last-byte-dropped", "byte-added", "cut", "zeroed", "reversed", "doubled",
]
StoredChange = Literal[
    BytesChange, "undone", "removed", "metadata-removed", "length-forgotten",
]
Extension = Literal[
    "creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum",
    "checksum-trailer", "termination", "concatenation", "concatenation-unfinished",
]
# fmt: on
BodyChange = Literal[
    "buffered", "discarded", "not-read", "inverted", "reversed", "without-trailers"
]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of a rule file: keys with hyphens, unknown keys refused."""


class ConnectionMatch(_Table, frozen=True):
    """What a rule says of the connection of a request, and of how the request is written on it.

    `requests` is how many came before it at least, `status` a pattern of the response before it,
    `names` in which case it has the names of the headers of tus.
    """

    http: Literal["", "1.0", "1.1"] = ""
    requests: int = 0
    status: Pattern = ""
    names: Literal["", "lower", "odd"] = ""


class Match(_Table, frozen=True):
    """Where a rule applies; every key that is given has to match, and none matches everything.

    `above` is about decimal headers, `upload` about the upload before the request and `after` about
    it after that, `partials` about any upload that a final creation lists, `created` about the
    upload that the response names. `longer-than` and `beyond` are about the length and the offset
    of the upload before the request, in bytes. `ordinal` is which request of its method to its
    upload this is, from 1, and `history` what happened before.
    """

    method: Pattern = ""
    sent: Pattern = ""
    path: Literal["", "endpoint", "upload", "server"] = ""
    name: Pattern | None = None
    target: Pattern = ""
    request: tuple[RequestKind, ...] = ()
    header: dict[str, Pattern | bool] = {}
    lacks: dict[str, Pattern] = {}
    above: dict[str, int] = {}
    body: Literal["", "empty", "sized", "chunked"] = ""
    upload: tuple[UploadKind, ...] = ()
    partials: tuple[UploadKind, ...] = ()
    after: tuple[UploadKind, ...] = ()
    created: tuple[UploadKind, ...] = ()
    longer_than: int = -1
    beyond: int = -1
    ordinal: int = 0
    from_ordinal: int = 0
    history: tuple[HistoryWord, ...] = ()
    connection: ConnectionMatch = ConnectionMatch()
    status: int | Annotated[str, Meta(pattern="^!?([1-5]xx|[1-5][0-9][0-9])$")] = ""
    reason: str = ""
    response: dict[str, Pattern | bool] = {}

    @property
    def concerns_response(self) -> bool:
        """Whether it can only be decided after the server has answered."""
        return bool(self.after or self.created or self.status or self.reason or self.response)

    @property
    def concerns_uploads(self) -> bool:
        """Whether it can only be decided by uploads or by what happened before."""
        return bool(
            self.upload
            or self.partials
            or self.longer_than >= 0
            or self.beyond >= 0
            or self.remembers
        )

    @property
    def remembers(self) -> bool:
        """Whether it depends on what happened before."""
        return bool(self.history or self.ordinal or self.from_ordinal)


EVERY_REQUEST = Match()


class Edit(_Table, frozen=True):
    """What a rule changes, in this order: the request, who answers, the response.

    `replace`, `increase`, `format` and `unlist` leave a missing header alone. `stored` changes what
    is stored of the upload, or `of` others, before the response leaves, `content` the bytes of a
    download; `at` is the position for both, from the end where it is negative. `wait` is in
    seconds.
    """

    request: dict[str, Template | Literal[False]] = {}
    ignore_checksum: bool = False
    body: BodyChange | Literal[""] = ""
    answer: int = 0
    answer_after: int = 0
    keep: tuple[str, ...] = ()
    text: str = ""
    close: bool = False
    status: int = 0
    strip: tuple[str, ...] = ()
    set: dict[str, Template] = {}
    add: dict[str, str] = {}
    replace: dict[str, dict[Pattern, str]] = {}
    increase: dict[str, int] = {}
    format: dict[str, str] = {}
    unlist: dict[str, str] = {}
    wait: float = 0.0
    stored: StoredChange | Literal[""] = ""
    content: BytesChange | Literal[""] = ""
    at: int = -1
    of: Literal["", "partials", "finals", "others"] = ""


class Settings(_Table, frozen=True):
    """Settings of the server that a rule overrides: `max-size` in bytes, 0 for no maximum."""

    max_size: int | None = None
    disable_download: bool = False
    disable_locker: bool = False


class Rule(_Table, frozen=True, kw_only=True):
    """A defect, or what a quirk has in common with one.

    `on` is the id of the quirk that the server has as well.
    """

    sentence: Sentence
    on: Identifier | Literal[""] = ""
    match: Match = EVERY_REQUEST
    edit: Edit = Edit()
    settings: Settings = Settings()

    def __post_init__(self) -> None:
        """Refuse a rule that answers before there is a response to match."""
        if self.edit.answer and self.match.concerns_response:
            raise ValueError("`answer` comes before any response; use `answer-after` to match one")


class QuirkRule(Rule, frozen=True, kw_only=True):
    """A quirk; `requires` are headers that its clients have to send.

    `offers` are all of the extensions that the server has, if that is what is unusual.
    """

    requires: dict[str, str] = {}
    offers: tuple[Extension, ...] | None = None


Defects = dict[RequirementId, dict[Identifier, Rule]]
Quirks = dict[Identifier, QuirkRule]


class RuleFile(_Table, frozen=True):
    """A file of rules: defects by the requirement that they break and their id, quirks by id.

    A client defect or quirk is one that a correct client meets, without sending anything wrong.
    """

    client_defect: Defects = {}
    defect: Defects = {}
    client_quirk: Quirks = {}
    quirk: Quirks = {}
