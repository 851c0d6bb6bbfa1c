"""The steps of a scenario: one act each, and what is expected of the answer.

Text may hold references in braces:

    {value}             a parameter of `each`
    {upload} {a}        the URL of the upload of that name
    {a.path}            its path alone
    {a.metadata}        the Upload-Metadata that it was created with
    {a.offset}          the offset its server last acknowledged, before the answer being judged
    {creation}          the URL where uploads are created
    {unknown}           the URL of an upload that never existed
    {origin}            the origin of a web page that the profile names
    {max-size}          the server's Tus-Max-Size; {max-size+1} is one more
    {before.Upload-Offset}  a header of the answer to the step named `before`
    {body.sha1}         the Base64 digest of the body of this very request, by any of `DIGESTS`:
                        {body.sha1.wrong} has one bit flipped, which depends on the body,
                        {body.sha1.wrong-first} and {body.sha1.wrong-last} the first and the last
                        bit, {body.sha1.hex} is hexadecimal,
                        {body.sha1.unpadded} lacks its padding, {body.sha1.short} its last byte
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tus_scenarios.expectation import Expectation
from tus_scenarios.network_fault import Cut, NetworkFault

DIGESTS = ("md5", "sha1", "sha256", "sha512", "crc32")
"""The checksum algorithms whose digests can be referred to."""

DIGEST_FORMS = ("wrong", "wrong-first", "wrong-last", "hex", "unpadded", "short")
"""The ways to write a digest other than it should be."""


class GivenUpload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A precondition: an upload of `length` bytes with the first `stored` of them in place.

    However many requests the server needs for that, `stored` bytes are acknowledged afterwards.
    """

    name: str = "upload"
    length: int | str = 100
    stored: int | str = 0
    deferred: bool = False
    metadata: str | None = None
    header: dict[str, str] = {}


class RequestSpec(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A request, with the headers its method always has unless they are named in `omit`.

    `of` names the upload it is about. `offset`, `length`, `defer` and `metadata` are the values of
    the tus headers, sent as they stand. `send` is a number of the upload's content bytes, or
    "rest", from `at` (by default from the offset); `body` is literal text instead. In `header` a
    list is sent as several lines. `framing` "raw" sends the head and body exactly as they stand,
    past what an HTTP library would refuse; `declare` is the Content-Length to claim there.
    `trailer` follows a chunked body. `parts` names uploads that a creation concatenates: its
    Upload-Concat is then "final;" with their URLs, and the new upload's content is theirs, joined.
    `faults` are done to it; `cut` is short for the one fault of that name. A request has a
    connection of its own unless it is "kept": then it goes over the one that the scenario keeps,
    opening it where there is none, or where the server has closed it. With `override` it is sent
    as a POST that names its method in X-HTTP-Method-Override; `http` is the version of HTTP and
    `names` the letter case of header names. `way` takes these from a row of the table of that name.
    """

    of: str = "upload"
    to: str | None = None
    method: str | None = None
    header: dict[str, str | tuple[str, ...]] = {}
    omit: tuple[str, ...] = ()
    offset: int | str | None = None
    length: int | str | None = None
    defer: str | None = None
    metadata: str | None = None
    send: int | str | None = None
    at: int | None = None
    body: str | None = None
    framing: Literal["sized", "chunked", "raw"] = "sized"
    declare: int | str | None = None
    trailer: dict[str, str] = {}
    parts: tuple[str, ...] = ()
    cut: Cut | None = None
    faults: tuple[NetworkFault, ...] = ()
    connection: Literal["own", "kept"] = "own"
    override: bool = False
    http: Literal["1.1", "1.0"] = "1.1"
    names: Literal["usual", "lower", "odd"] = "usual"
    way: str | None = None


class FinishUpload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Resume the upload by what HEAD says, complete it, and compare every byte that can be read."""

    of: str = "upload"


STEP_ACTIONS = (
    "given",
    "post",
    "patch",
    "head",
    "options",
    "get",
    "delete",
    "request",
    "finish",
    "insert",
)


class Step(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One act of a scenario.

    A `setup` step is a precondition: when it fails the scenario is blocked, and nothing is
    violated; what it expects names the row that is to blame. After a violated `needed` step the
    scenario ends, since the rest would say nothing. `within` is a number of seconds in which the
    request is sent again until every expectation passes; the last answer is the one that is judged.
    A PATCH without an `offset` of its own asks with HEAD where the upload stands before it is sent
    again. `insert` names an axis of the scenario's `cross`, and stands for the steps of its row.
    Consecutive steps with the same `over`, an axis and a group of its rows, are repeated for each
    row, which their texts and names refer to as {AXIS} and {AXIS-NAME}.
    """

    given: GivenUpload | None = None
    post: RequestSpec | None = None
    patch: RequestSpec | None = None
    head: RequestSpec | None = None
    options: RequestSpec | None = None
    get: RequestSpec | None = None
    delete: RequestSpec | None = None
    request: RequestSpec | None = None
    finish: FinishUpload | None = None
    insert: str | None = None

    over: dict[str, str] = {}
    name: str = ""
    setup: bool = False
    needed: bool = False
    within: int = 0
    expect: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        acts = [act for act in STEP_ACTIONS if getattr(self, act) is not None]
        if len(acts) != 1:
            found = " and ".join(acts) or "none"
            raise ValueError(
                f"A step needs exactly one action of {', '.join(STEP_ACTIONS)}; it has {found}."
            )
        if self.request is not None and not self.request.method:
            raise ValueError("`request` needs a `method`; the other actions imply theirs.")

    @property
    def act(self) -> str:
        """Return the name of the step's act."""
        return next(act for act in STEP_ACTIONS if getattr(self, act) is not None)

    @property
    def message(self) -> RequestSpec | None:
        """Return the request that the step sends, if it is a single one."""
        found = getattr(self, self.act)
        return found if isinstance(found, RequestSpec) else None
