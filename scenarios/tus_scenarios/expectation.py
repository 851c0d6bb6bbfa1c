"""What a step expects of its answer: conditions, their grades, the requirements they check.

The parts of a condition are joined by "and". An `Expectation` is itself the condition of a pass;
`warn`, `note` and `fail` list other conditions, tried in that order after it. When none holds,
the outcome takes `otherwise`, and without that the grade of the requirement's level.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tus_scenarios.requirement import Grade

HeaderFormat = Literal[
    "integer",
    "versions",
    "extensions",
    "algorithms",
    "list",
    "compact-list",
    "metadata",
    "metadata-pairs",
    "metadata-keys",
    "metadata-ascii",
    "metadata-base64",
    "metadata-unique",
    "concat",
    "date",
    "obsolete-date",
    "url",
    "same-origin",
    "other-host",
]
"""The grammars a value can be held against.

"metadata" is all of Upload-Metadata; "metadata-pairs" one or more members of one or two words,
"metadata-keys" keys that are neither empty nor hold a space or comma, "metadata-ascii" keys of
ASCII, "metadata-base64" values of padded Base64, "metadata-unique" no key twice. "list" is made
of members that are neither empty nor twice there; "compact-list" has no space around its commas;
"date" is an IMF-fixdate, "obsolete-date" one of the two older forms; "same-origin" a URL that
resolves to the scheme, host and port of the request, "other-host" one on another host.
"""


class HeaderMatcher(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is asked of one header's value, compared by meaning.

    `form` is a grammar; `lists` names a member of a list, letter case included; `includes` and
    `excludes` name directives, letter case aside; `among` lists all that may be members of a list,
    `members` all that are, in any order; `metadata` and `concat` compare pairs and resolved URLs;
    `least` and `most` bound an integer; `differs` is any other value than that; `same` names an
    earlier step whose response must have the same members, or lack the header as this one does.
    """

    equals: str | None = None
    differs: str | None = None
    form: HeaderFormat | None = None
    lists: str | None = None
    includes: str | None = None
    excludes: str | None = None
    among: str | None = None
    members: str | None = None
    metadata: str | None = None
    concat: str | None = None
    least: int | str | None = None
    most: int | str | None = None
    same: str | None = None


HeaderCondition = str | int | bool | HeaderMatcher
"""A value to equal byte for byte, true for present, false for absent, or a `HeaderMatcher`."""

HeaderConditions = HeaderCondition | tuple[HeaderCondition, ...]
"""What a header may be; of several, any one."""

StatusPattern = int | Literal["1xx", "2xx", "3xx", "4xx", "5xx"]


class Condition(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an answer may be. `content` is a range of the upload's bytes, as `[start, stop]`.

    `intact` is for `finish` alone: resumed, completed, and every byte that can be read is right.
    `closed` means that the connection was closed without a final response. `says` explains to
    readers of a report what such a response means.
    """

    status: StatusPattern | tuple[StatusPattern, ...] | None = None
    header: dict[str, HeaderConditions] = {}
    content: tuple[int, int] | None = None
    intact: bool | None = None
    closed: bool | None = None
    interim: int | None = None
    says: str = ""


class Expectation(Condition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition with the requirements that it checks; it is evaluated only if `when` holds.

    `after` names earlier steps, and what their responses must have been for it to be evaluated.
    Its own `says` explains what it means if neither it nor any alternative is met.
    """

    checks: str | tuple[str, ...]
    warn: tuple[Condition, ...] = ()
    note: tuple[Condition, ...] = ()
    fail: tuple[Condition, ...] = ()
    otherwise: Grade | None = None
    when: Condition | None = None
    after: dict[str, Condition] = {}

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return the ids of the requirements that this expectation checks."""
        return (self.checks,) if isinstance(self.checks, str) else self.checks

    @property
    def alternatives(self) -> tuple[tuple[Grade, Condition], ...]:
        """Return every condition with its grade, in the order they are tried."""
        alternatives_: list[tuple[Grade, Condition]] = [("pass", self)]
        alternatives_ += [("warn", condition) for condition in self.warn]
        alternatives_ += [("note", condition) for condition in self.note]
        alternatives_ += [("fail", condition) for condition in self.fail]
        return tuple(alternatives_)
