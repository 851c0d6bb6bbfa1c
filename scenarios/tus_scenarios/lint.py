"""What every scenario must be before it is told: each rule says in a sentence what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher, StatusPattern
from tus_scenarios.network_fault import PositionError, resolve_position
from tus_scenarios.prose import describe_condition
from tus_scenarios.reader import ScenarioError
from tus_scenarios.requirement import EXTENSIONS, ledger
from tus_scenarios.scenario import Scenario, blamed_requirements
from tus_scenarios.step import DIGEST_FORMS, DIGESTS, RequestSpec, Step

NEEDS = (
    *EXTENSIONS,
    *(f"checksum:{algorithm}" for algorithm in DIGESTS),
    "download",
    "max-size",
    "large",
    "thorough",
    "slow",
    "profile:network-timeout",
    "profile:expiration",
    "profile:restart",
    "profile:origin",
)
"""What a scenario may need: an extension, a checksum algorithm that is listed, a download, a limit,
the user's leave to move gigabytes ("large"), to try many combinations ("thorough") or to wait for
minutes ("slow"), or what only a profile tells."""

ID_PATTERN = re.compile(r"[a-z0-9.,/=_-]+")
REFERENCE_PATTERN = re.compile(r"\{([A-Za-z][A-Za-z0-9.-]*?)([+-][0-9]+)?\}")
_ALWAYS_BOUND = frozenset({"creation", "unknown", "max-size", "origin"})
_SHIFTED = re.compile(r"(.+)[+-]([0-9]+)")
_UPLOAD_PARTS = frozenset({"path", "offset", "metadata"})


def ensure_valid(scenarios: Iterable[Scenario]) -> None:
    """Raise ScenarioError at the first scenario that breaks a rule, or at an id given twice."""
    seen: set[str] = set()
    for scenario in scenarios:
        for problem in find_problems(scenario):
            raise ScenarioError(f"Scenario {scenario.id}: {problem}")
        if scenario.id in seen:
            raise ScenarioError(f"Scenario {scenario.id}: another scenario has the same id.")
        seen.add(scenario.id)


def find_problems(scenario: Scenario) -> Iterator[str]:
    """Yield what is wrong with a scenario, a sentence each."""
    if not ID_PATTERN.fullmatch(scenario.id):
        yield "an id may contain only a-z, 0-9 and .,/=_-."
    for match in REFERENCE_PATTERN.finditer(scenario.title):
        yield f"its title refers to {match[0]}, which is not a parameter."
    if not scenario.why.strip():
        yield "`why` is missing: write which client would break."
    yield from _check_requirements(scenario)
    yield from _check_needs(scenario)
    for name in scenario.parameters:
        yield from _check_name("it calls a parameter", name)
        if name in _ALWAYS_BOUND:
            yield f"it calls a parameter {name!r}, and {{{name}}} has a meaning of its own."
    if scenario.run is not None:
        if not scenario.prose:
            yield "a scenario written as a function needs its steps in prose."
        return
    if not scenario.steps:
        yield "it has no steps."
    yield from _check_steps(scenario)
    yield from _check_references(scenario)


def _check_requirements(scenario: Scenario) -> Iterator[str]:
    if not scenario.requirements:
        yield "it checks nothing: name at least one requirement of the ledger."
    for requirement in (*scenario.requirements, *blamed_requirements(scenario.steps)):
        found = ledger().get(requirement)
        if found is None:
            yield f"it checks {requirement!r}, which is not in the ledger."
        elif found.side != "server":
            yield f"it checks {requirement!r}, which is a requirement for clients."


def _check_needs(scenario: Scenario) -> Iterator[str]:
    for need in (*scenario.needs, *scenario.lacks):
        if need not in NEEDS:
            yield f"it needs {need!r}, which is none of: {', '.join(NEEDS)}."


def _check_steps(scenario: Scenario) -> Iterator[str]:
    names: set[str] = set()
    for number, step in enumerate(scenario.steps, 1):
        if not (step.expect or step.setup or step.name or step.given):
            yield f"step {number} expects nothing, has no name, and is not a setup."
        if step.name and step.name in names:
            yield f"step {number} has the name {step.name!r} of an earlier step."
        names.add(step.name)
        for upload in sorted(_created_uploads(step)):
            yield from _check_name(f"step {number} calls an upload", upload)
        for expectation in step.expect:
            if not any(_has_condition(condition) for _, condition in expectation.alternatives):
                yield f"step {number} has an expectation without any condition."
            yield from _check_after(number, expectation, names - {step.name})
            yield from _check_same(number, expectation, names - {step.name})
            yield from _check_alternatives(number, expectation)
        yield from _check_body(number, step.message)
        yield from _check_faults(number, step.message, scenario.steps[number:])


def _check_after(number: int, expectation: Expectation, names: set[str]) -> Iterator[str]:
    """Yield where it depends on an answer that is not there, or on nothing about it."""
    for name, condition in expectation.after.items():
        if name not in names:
            yield (
                f"step {number} depends on the response to {name!r},"
                " but no earlier step has this name."
            )
        if not _has_condition(condition):
            yield f"step {number} depends on the response to {name!r} without a condition."


def _check_same(number: int, expectation: Expectation, names: set[str]) -> Iterator[str]:
    """Yield where a header is compared with that of a response that is not there."""
    for _, condition in expectation.alternatives:
        for matches in condition.header.values():
            for match in matches if isinstance(matches, tuple) else (matches,):
                same = match.same if isinstance(match, HeaderMatcher) else None
                if same is not None and same not in names:
                    yield (
                        f"step {number} compares with the response to {same!r},"
                        " but no earlier step has this name."
                    )


def _check_name(what: str, name: str) -> Iterator[str]:
    """Yield where a reference to a name would be taken for a sum."""
    shifted = _SHIFTED.fullmatch(name)
    if shifted is not None:
        stem, digits = shifted[1], shifted[2]
        sign = "minus" if name[len(stem)] == "-" else "plus"
        yield (
            f"{what} {name!r}, and {{{name}}} reads as {{{stem}}} {sign} {digits};"
            f" call it {stem + digits!r}."
        )


def _check_faults(
    number: int, request: RequestSpec | None, later: tuple[Step, ...]
) -> Iterator[str]:
    if request is None:
        return
    places = [fault.at for fault in request.faults]
    places += [request.cut.after] if request.cut is not None else []
    for place in places:
        try:
            resolve_position(REFERENCE_PATTERN.sub("0", str(place)), 0)
        except PositionError as error:
            yield f"step {number}: {error}"
    plain = request.send is None and request.body is None
    for fault in request.faults:
        if fault.inside == "body" and plain and fault.action not in {"duplicate", "lose"}:
            yield f"step {number} has a {fault.action} within a body that it does not have."
        if fault.inside == "end" and request.framing != "chunked":
            yield f"step {number} has a {fault.action} at the end of a body that is not chunked."
        if fault.until and fault.until not in {step.name for step in later}:
            yield f"step {number} waits for {fault.until!r}, which no later step is called."
    stalled = [fault for fault in request.faults if fault.until]
    if len(stalled) > 1 or (stalled and stalled[0].inside != "body"):
        yield f"step {number} may wait for one later step only, and within its body."


def _check_alternatives(number: int, expectation: Expectation) -> Iterator[str]:
    """Yield each alternative with a status that an earlier alternative always meets first."""
    tried: list[Condition] = []
    for grade, condition in expectation.alternatives:
        if any(_is_status_only(earlier) and _overlaps(earlier, condition) for earlier in tried):
            yield (
                f"step {number} has a {grade} for {describe_condition(condition)}"
                " that an earlier alternative hides."
            )
        tried.append(condition)


def _is_status_only(condition: Condition) -> bool:
    parts = (condition.content, condition.intact, condition.closed, condition.interim)
    return not condition.header and all(part is None for part in parts)


def _overlaps(earlier: Condition, later: Condition) -> bool:
    wide, narrow = (_statuses(condition) for condition in (earlier, later))
    return any(
        status in wide or (isinstance(status, int) and f"{status // 100}xx" in wide)
        for status in narrow
    )


def _statuses(condition: Condition) -> tuple[StatusPattern, ...]:
    if condition.status is None:
        return ()
    return condition.status if isinstance(condition.status, tuple) else (condition.status,)


def _check_body(number: int, request: RequestSpec | None) -> Iterator[str]:
    if request is None:
        return
    if request.trailer and request.framing != "chunked":
        yield f"step {number} has a trailer; only a chunked body can have one."
    if request.declare is not None and request.framing != "raw":
        yield f'step {number} declares another length; that needs framing = "raw".'
    if request.send is not None and request.body is not None:
        yield f"step {number} has both `send` and `body`; a request has one body."
    if request.cut is not None and request.send is None and request.body is None:
        yield f"step {number} is cut within a body that it does not have."


def _has_condition(condition: Any) -> bool:
    return bool(condition.header) or any(
        getattr(condition, part) is not None
        for part in ("status", "content", "intact", "closed", "interim")
    )


def _check_references(scenario: Scenario) -> Iterator[str]:
    uploads: set[str] = set()
    described: set[str] = set()
    names: set[str] = set()
    for number, step in enumerate(scenario.steps, 1):
        bound = {name for name in _used_uploads(step) if name not in uploads}
        for name in sorted(bound):
            yield f"step {number} is about the upload {name!r}, which no earlier step creates."
        acts = {part: getattr(step, part) for part in (step.act,)}
        for text in _strings_in(acts):
            yield from _unbound_references(number, text, scenario, uploads, names)
        names |= {step.name} - {""}
        uploads |= _created_uploads(step)
        if _sends_metadata(step):
            described |= _created_uploads(step)
        for text in _strings_in({"expect": step.expect}):
            yield from _unbound_references(number, text, scenario, uploads, names)
            for name in sorted(uploads - described):
                if f"{{{name}.metadata}}" in text:
                    yield f"step {number} compares with the metadata of {name!r}, which has none."
    for name in sorted(uploads & names):
        yield f"it calls both an upload and a step {name!r}, so {{{name}}} is either."


def _used_uploads(step: Step) -> set[str]:
    if step.finish is not None:
        return {step.finish.of}
    request = step.message
    if request is None:
        return set()
    creates = (request.method or step.act.upper()) in {"POST", "OPTIONS"}
    own = set() if creates or request.to is not None else {request.of}
    return own | set(request.parts)


def _created_uploads(step: Step) -> set[str]:
    if step.given is not None:
        return {step.given.name}
    request = step.message
    if request is None or request.to is not None:
        return set()
    return {request.of} if (request.method or step.act.upper()) == "POST" else set()


def _sends_metadata(step: Step) -> bool:
    created = step.given or step.message
    if created is None:
        return False
    return created.metadata is not None or "Upload-Metadata" in created.header


def _unbound_references(
    number: int, text: str, scenario: Scenario, uploads: set[str], names: set[str]
) -> Iterator[str]:
    for match in REFERENCE_PATTERN.finditer(text):
        name = match[1]
        first, _, rest = name.partition(".")
        algorithm, _, form = rest.partition(".")
        known = (
            name in scenario.parameters
            or name in _ALWAYS_BOUND
            or (first in names and bool(rest))
            or (first in uploads and (not rest or rest in _UPLOAD_PARTS))
            or (first == "body" and algorithm in DIGESTS and form in ("", *DIGEST_FORMS))
        )
        if not known:
            yield f"step {number} refers to {match[0]}, which no earlier step defines."


def _strings_in(value: Any) -> Iterator[str]:
    """Yield every text within a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings_in(key)
            yield from _strings_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings_in(inner)
    elif isinstance(value, msgspec.Struct):
        yield from _strings_in(msgspec.to_builtins(value))
