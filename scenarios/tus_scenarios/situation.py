"""A situation: what a client meets, as data; the counterpart of a scenario for clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import msgspec

from tus_scenarios.requirement import Grade, ledger
from tus_scenarios.server_rule import Outcome, ServerRule, describe_rule

MEBIBYTE = 1024 * 1024

OUTCOME_SENTENCES: dict[Outcome, str] = {
    "whole": "The client says that the upload succeeded, and every byte is there.",
    "reported": "The client reports an error.",
    "silent": "The client ends without a word of success or failure.",
    "lied": "The client says that the upload succeeded, and bytes are missing.",
    "damaged": "The server holds bytes that are not those of the file.",
    "endless": "The client goes on with requests and comes to no end.",
    "hangs": "The client neither sends anything nor ends.",
    "crashed": "The client ends abnormally, without reporting an error.",
    "incomplete": "Bytes are missing, and it is not known what the client said.",
}

OUTCOME_GRADES: dict[Outcome, Grade] = {
    "whole": "pass",
    "reported": "warn",
    "silent": "fail",
    "lied": "fail",
    "damaged": "fail",
    "endless": "fail",
    "hangs": "warn",
    "crashed": "warn",
    "incomplete": "note",
}
"""What an outcome weighs where the situation does not say otherwise."""


class ServerScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server that the client meets: the reference, with these differences.

    `extensions` are all that it offers. `quirks` are unusual and legal behaviours of the gallery.
    `close` ends the connection after each response; `http10` responds as HTTP/1.0 does. `slash`
    says whether the endpoint's URL ends with one.
    """

    extensions: tuple[str, ...] | None = None
    max_size: int = 0
    quirks: tuple[str, ...] = ()
    close: bool = False
    http10: bool = False
    slash: bool = True


class PriorUpload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An upload that the client is told to go on with: this share of the file is there.

    With `gone` it has been removed meanwhile.
    """

    share: str = "40%"
    gone: bool = False


class GradedOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an outcome of the situation weighs, and why."""

    outcome: Outcome
    grade: Grade = "pass"
    why: str = ""


class SituationSource(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A situation as it stands in a file.

    `options` are those of the client's program. `size` is that of the file, in bytes. `checks` are
    the requirements that the outcome decides about; the rules on every exchange apply besides.
    `grows` is by how many bytes the file grows once its upload has been created; below 0 it
    shrinks.
    `outcome` grades outcomes that weigh something else than by default. `limit` is the time that
    the client has, in seconds. Parameters of `each` are filled into every text, as in scenarios.
    """

    id: str
    title: str
    why: str = ""
    checks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    size: int = MEBIBYTE
    grows: int = 0
    server: ServerScript = ServerScript()
    prior: PriorUpload | None = None
    rule: tuple[dict[str, Any], ...] = ()
    outcome: tuple[GradedOutcome, ...] = ()
    limit: float = 110.0
    each: dict[str, dict[str, str | int] | tuple[str | int, ...]] = {}


class SituationFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The situations of one section of the specification."""

    section: str
    extension: str
    situation: tuple[SituationSource, ...]


@dataclass(frozen=True)
class Situation:
    """A situation ready to run; its fields are those of `SituationSource`.

    Outcomes: `whole` (success said, every byte there), `reported` (an error said), `silent` (ended
    without a word), `lied` (success said, bytes missing), `damaged` (wrong bytes stored), `endless`
    (requests without an end), `hangs` (no request and no end), `crashed`. Of a client that cannot
    say anything, such as a page in a browser, `incomplete` stands for bytes that are missing.
    """

    id: str
    title: str
    why: str
    section: str
    extension: str
    checks: tuple[str, ...]
    options: tuple[str, ...]
    size: int
    grows: int
    server: ServerScript
    prior: PriorUpload | None
    rules: tuple[ServerRule, ...]
    outcomes: tuple[GradedOutcome, ...]
    limit: float

    @property
    def has_false_responses(self) -> bool:
        """Return whether the server says something untrue, so that the client cannot know."""
        return any(rule.false for rule in self.rules)

    def grade_of(self, outcome: Outcome, *, misled: bool = True) -> tuple[Grade, str]:
        """Return what an outcome weighs in this situation, and why.

        `misled` says whether the client had one of the untrue responses. A client that ended
        before it had one, and says that bytes are stored which are not, has no excuse.
        """
        if outcome == "lied" and self.has_false_responses and not misled:
            return OUTCOME_GRADES[outcome], "The server had sent it nothing untrue."
        for graded in self.outcomes:
            if graded.outcome == outcome:
                return graded.grade, graded.why
        if outcome == "lied" and self.has_false_responses:
            return "warn", "The server had sent it something untrue."
        return OUTCOME_GRADES[outcome], ""

    @property
    def prose(self) -> tuple[str, ...]:
        """Return what the client is asked to do and what it meets, a sentence each."""
        return tuple(_sentences(self))


def unfold_situation(source: SituationSource, file: SituationFile) -> list[Situation]:
    """Return one situation for each combination of the parameters; raise ValueError."""
    each = {
        name: values if isinstance(values, dict) else {str(value): value for value in values}
        for name, values in source.each.items()
    }
    return [
        _situation(source, file, dict(chosen)) for chosen in product(*map(_labelled, each.items()))
    ]


def _labelled(
    parameter: tuple[str, dict[str, str | int]],
) -> list[tuple[str, tuple[str, str | int]]]:
    """Return each value of a parameter with the parameter's name and the value's label."""
    name, values = parameter
    return [(name, labelled) for labelled in values.items()]


def _situation(
    source: SituationSource, file: SituationFile, chosen: dict[str, tuple[str, str | int]]
) -> Situation:
    labels = [label for label, _ in chosen.values()]
    values = {name: value for name, (_, value) in chosen.items()}
    filled = _fill(msgspec.to_builtins(source), values)
    filled["id"] = "/".join([source.id, ",".join(labels)]) if labels else source.id
    filled.pop("each", None)
    ready = msgspec.convert(filled, SituationSource)
    return Situation(
        section=file.section,
        extension=file.extension,
        rules=msgspec.convert(ready.rule, tuple[ServerRule, ...]),
        outcomes=ready.outcome,
        **{
            name: getattr(ready, name)
            for name in (
                *("id", "title", "why", "checks", "options", "size", "grows"),
                *("server", "prior", "limit"),
            )
        },
    )


def _fill(value: Any, values: dict[str, str | int]) -> Any:
    """Return a value with each {name} in its texts replaced; a whole text keeps its type."""
    if isinstance(value, str):
        if value.startswith("{") and value[1:-1] in values:
            return values[value[1:-1]]
        for name, replacement in values.items():
            value = value.replace(f"{{{name}}}", str(replacement))
        return value
    if isinstance(value, dict):
        return {key: _fill(child, values) for key, child in value.items() if key != "each"}
    return [_fill(child, values) for child in value] if isinstance(value, list | tuple) else value


def check_situations(situations: Iterable[Situation]) -> None:
    """Raise ValueError for situations that cannot work: unknown rows, rules, or the same id."""
    seen: set[str] = set()
    for each in situations:
        if each.id in seen:
            raise ValueError(f"Two situations have the id {each.id!r}.")
        seen.add(each.id)
        for row in each.checks:
            if row not in ledger() or ledger()[row].side != "client":
                raise ValueError(
                    f"{each.id} checks {row!r}, which is not a requirement for clients."
                )
        names = {rule.name for rule in each.rules if rule.name}
        for rule in each.rules:
            if rule.after and rule.after not in names:
                raise ValueError(f"{each.id}: no rule has the name {rule.after!r}.")


def _sentences(situation: Situation) -> Iterable[str]:
    options = f" with {' '.join(situation.options)}" if situation.options else ""
    yield f"The client uploads a file of {situation.size} bytes{options}."
    if situation.grows:
        change = "grows" if situation.grows > 0 else "shrinks"
        count = abs(situation.grows)
        yield f"The file {change} by {count} bytes once the upload has been created."
    prior = situation.prior
    if prior is not None:
        gone = ", which has been removed meanwhile" if prior.gone else ""
        yield f"It goes on with an upload that holds {prior.share} of the file{gone}."
    yield from _server_sentences(situation.server)
    yield from map(describe_rule, situation.rules)
    for graded in situation.outcomes:
        why = f" {graded.why}" if graded.why else ""
        yield f"  {graded.grade}: {OUTCOME_SENTENCES[graded.outcome]}{why}"


def _server_sentences(server: ServerScript) -> Iterable[str]:
    if server.extensions is not None:
        yield f"The server offers {', '.join(server.extensions) or 'no extension'}."
    if server.max_size:
        yield f"The largest upload that it takes has {server.max_size} bytes."
    if server.quirks:
        yield f"It is unusual: {', '.join(server.quirks)}."
    if server.close:
        yield "It closes the connection after each response."
    if server.http10:
        yield "It responds as an HTTP/1.0 server does."
    if not server.slash:
        yield "The URL of the endpoint does not end with a slash."
