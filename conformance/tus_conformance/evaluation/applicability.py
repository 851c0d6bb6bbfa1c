"""Applicability: whether a scenario applies to a server, and the verdict where it does not."""

from __future__ import annotations

from msgspec import structs

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.session import Session
from tus_conformance.targets.profile import Commands, Profile
from tus_reports import ScenarioResult, Verdict
from tus_scenarios import EXTENSIONS, Scenario

_CONDITION_REASONS = {
    "max-size": "the server states no Tus-Max-Size",
    "download": "the server does not offer downloads",
}

GRANTED_BY_USER = frozenset({"large", "thorough", "slow"})
"""What it is for the user of a run to grant, whatever the server is like."""


def verdict_without_run(
    scenario: Scenario,
    found: DiscoveryResult,
    profile: Profile,
    *,
    exclusion: str | None,
    server_lost: str,
) -> tuple[Verdict, str] | None:
    """Return the verdict and the reason of a scenario that does not run; None where it does.

    `exclusion` is why it is deselected, if it is, and `server_lost` what became of a server that
    went away, or empty.
    """
    if exclusion is not None:
        return "excluded", exclusion
    not_applicable = inapplicable(scenario, found, profile)
    if not_applicable is not None:
        return not_applicable
    return ("error", f"Not run: {server_lost}") if server_lost else None


def ensure_within_max_size(session: Session, length: int) -> None:
    """Raise StopScenario where an upload of so many bytes is larger than the target takes."""
    limit, stated = session.target.profile.max_size, session.discovery.max_size
    if limit is not None and length > limit:
        limit_text = f"and `max_size` in the profile is {limit}"
    elif stated is not None and length > stated:
        limit_text = f"and Tus-Max-Size is {stated}"
    else:
        return
    raise StopScenario("impossible", f"It needs an upload of {length} bytes, {limit_text}.")


def inapplicable(
    scenario: Scenario, found: DiscoveryResult, profile: Profile
) -> tuple[Verdict, str] | None:
    """Return the verdict and the reason of a scenario that does not apply; None where it does."""
    for name in scenario.lacks:
        if found.advertises(name):
            return "not-applicable", f"the server lists {name}"
        if found.accepts(name):
            return "not-applicable", f"a probe saw that the server has {name}"
        if name not in EXTENSIONS and _unmet_need(name, found, profile) is None:
            return "not-applicable", f"the server has {name}"
    for name in (need for need in scenario.needs if need not in GRANTED_BY_USER):
        unmet = _unmet_need(name, found, profile)
        if unmet is not None:
            return unmet
    return None


def _unmet_need(name: str, found: DiscoveryResult, profile: Profile) -> tuple[Verdict, str] | None:
    if name in EXTENSIONS:
        return _unmet_extension(name, found)
    if name.startswith("profile:"):
        fact = name.removeprefix("profile:")
        if profile.has(fact):
            return None
        return "not-applicable", _missing_fact_reason(fact)
    if name.startswith("checksum:"):
        algorithm = name.removeprefix("checksum:")
        listed = algorithm in found.algorithms
        return None if listed else ("not-applicable", f"the server does not list {algorithm}")
    has = found.max_size is not None if name == "max-size" else found.accepts(name)
    return None if has else ("not-applicable", _CONDITION_REASONS[name])


def _missing_fact_reason(fact: str) -> str:
    """Return the words for what the profile lacks."""
    if fact == "origin":
        return "it needs the origin of a web page: --origin, or `origin` in the profile"
    if fact in Commands.__struct_fields__:
        return f"it needs a `{fact}` command in the profile"
    return f"it needs `{fact.replace('-', '_')}` in the profile"


def _unmet_extension(name: str, found: DiscoveryResult) -> tuple[Verdict, str] | None:
    if name in found.obstructed:
        return "blocked", found.obstructed[name]
    if found.advertises(name) or found.accepts(name):
        return None
    if name == "concatenation-unfinished" and (base := _unmet_extension("concatenation", found)):
        return base[0], f"{name} builds on concatenation, and {base[1]}"
    probed = found.capabilities.get(name)
    because = probed.reason if probed else "No probe tried it."
    if probed is not None and probed.observed == "refused":
        return "unsupported", f"{name} is not listed, and a probe saw it refused. {because}"
    return (
        "not-applicable",
        f"{name} is not listed, and probes do not show whether the server has it. {because}",
    )


def deselected_result(result: ScenarioResult, reason: str) -> ScenarioResult:
    """Return the result of what the user did not select, without what was seen of it."""
    return structs.replace(
        result, verdict="excluded", reason=reason, attempts=(), is_selected=False
    )
