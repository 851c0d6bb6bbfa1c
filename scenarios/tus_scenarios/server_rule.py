"""A rule of a scripted server: which request it is about, and what happens to that request."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Method = Literal["OPTIONS", "POST", "HEAD", "PATCH", "DELETE", "GET"]
Outcome = Literal[
    "whole", "reported", "silent", "lied", "damaged", "endless", "hangs", "crashed", "incomplete"
]
"""What came of a client: see `Situation`."""

_SHARE = re.compile(r"(100|[0-9]{1,2})%|-[1-9][0-9]*|[0-9]+")


class BrokenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Break the connection when this much of the body has arrived.

    What arrived is stored, unless `keep` is false.
    """

    after: str
    by: Literal["fin", "rst"] = "rst"
    keep: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A response that the server gives instead of carrying the request out.

    With `early` it comes before the body has been read. `body` is text. Tus-Resumable is added
    unless `tus` is false, as in a response that comes from something else than a tus server.
    """

    status: int
    header: dict[str, str] = {}
    body: str = ""
    early: bool = False
    tus: bool = True


class ResponseEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change the response of the server.

    `interim` are statuses of responses sent before it. In `location`, {id} stands for the id of
    the upload, {port} for the server's port and {other} for a second port that serves it as well.
    """

    status: int | None = None
    set: dict[str, str] = {}
    drop: tuple[str, ...] = ()
    interim: tuple[int, ...] = ()
    location: str = ""


class ServerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scripted server does to some requests.

    Matching: `on` is the method, that of an override counted as itself. `upload` counts uploads in
    the order of their creation, from 1; `kind` is about partial or final uploads. `after` names a
    rule that must have been applied before. The rule applies from the `first` such request on, so
    many `times`; 0 stands for always.

    Acting: a `cut` breaks the connection in the body. `store` carries out the request with that
    share of its body and acknowledges no more. `lose` carries it out and breaks the connection
    instead of responding. `pause` waits so many seconds before the response, `rate` reads the body
    at so many bytes per second. `answer` refuses; `redirect` sends the client to another URL of the
    same resource. `forget` removes the upload first. `edit` changes the response. `false` marks a
    response that tells the client something untrue.
    """

    on: Method
    name: str = ""
    upload: int = 0
    kind: Literal["", "partial", "final"] = ""
    after: str = ""
    first: int = 1
    times: int = 1
    cut: BrokenBody | None = None
    store: str = ""
    lose: Literal["", "fin", "rst"] = ""
    pause: float = 0.0
    rate: int = 0
    answer: Answer | None = None
    redirect: Literal[0, 301, 302, 307, 308] = 0
    forget: bool = False
    edit: ResponseEdit | None = None
    false: bool = False

    def __post_init__(self) -> None:
        exclusive = [self.cut is not None, bool(self.store), bool(self.lose)]
        exclusive += [self.answer is not None, bool(self.redirect)]
        if sum(exclusive) > 1:
            raise ValueError("A rule has at most one of cut, store, lose, answer and redirect.")
        if not any((*exclusive, self.pause, self.rate, self.forget, self.edit)):
            raise ValueError(
                "A rule needs one of cut, store, lose, pause, rate, answer, redirect, forget, edit."
            )
        for name, text in (("store", self.store), ("cut.after", self.cut and self.cut.after)):
            if text and not _SHARE.fullmatch(text):
                raise ValueError(f'`{name}` is {text!r}; write "50%", "4096" or "-1".')
        if self.first < 1 or self.times < 0 or self.upload < 0:
            raise ValueError("`first` counts from 1; `times` and `upload` are not negative.")


def share_of(text: str, length: int) -> int:
    """Return how many of `length` bytes "50%", "4096" or "-1" (all but one) stand for.

    A share of something is one byte at least.
    """
    if text.endswith("%"):
        percent = int(text[:-1])
        return max(length * percent // 100, min(length, percent, 1))
    count = int(text)
    return max(0, min(length, length + count if count < 0 else count))


def describe_rule(rule: ServerRule) -> str:
    """Return a rule as a sentence."""
    return f"{_describe_match(rule)} {_describe_action(rule)}."


def _describe_match(rule: ServerRule) -> str:
    ordinals = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
    of = f" of upload {rule.upload}" if rule.upload else ""
    kind = {"": "", "partial": " of a partial upload", "final": " of a final upload"}[rule.kind]
    after = f", after {rule.after!r}," if rule.after else ""
    count = ordinals.get(rule.first, f"{rule.first}th")
    if rule.times == 1:
        which = f"The {count} {rule.on}"
    elif rule.times == 0:
        which = f"Every {rule.on}" if rule.first == 1 else f"Every {rule.on} from the {count} on"
    else:
        which = f"Each of {rule.times} {rule.on} requests from the {count} on"
    return f"{which}{of}{kind}{after}"


def _describe_action(rule: ServerRule) -> str:
    parts = []
    if rule.forget:
        parts.append("finds that its upload was removed")
    if rule.rate:
        parts.append(f"is read at {rule.rate} bytes per second")
    if rule.pause:
        parts.append(f"waits {rule.pause:g} seconds for its response")
    if rule.cut is not None:
        how = {"fin": "closed", "rst": "reset"}[rule.cut.by]
        kept = "what arrived is stored" if rule.cut.keep else "nothing is stored"
        parts.append(f"has its connection {how} after {rule.cut.after} of its body, and {kept}")
    if rule.store:
        parts.append(f"has {rule.store} of its body stored and acknowledged")
    if rule.lose:
        parts.append("is carried out, and its response is lost")
    if rule.redirect:
        parts.append(f"is redirected with {rule.redirect}")
    if rule.answer is not None:
        parts.append(_describe_answer(rule.answer))
    if rule.edit is not None:
        parts.append(_describe_edit(rule.edit))
    return " and ".join(parts) + (", which is untrue" if rule.false else "")


def _describe_answer(answer: Answer) -> str:
    headers = "".join(f", {name}: {value}" for name, value in answer.header.items())
    early = " before its body is read" if answer.early else ""
    other = " by something other than a tus server" if not answer.tus else ""
    return f"is answered {answer.status}{headers}{early}{other}"


def _describe_edit(edit: ResponseEdit) -> str:
    parts = [f"is preceded by {status}" for status in edit.interim]
    if edit.status is not None:
        parts.append(f"has the status {edit.status}")
    if edit.location:
        parts.append(f"has the Location {edit.location}")
    parts += [f"has {name}: {value}" for name, value in edit.set.items()]
    parts += [f"has no {name}" for name in edit.drop]
    return "gets a response that " + " and ".join(parts)
