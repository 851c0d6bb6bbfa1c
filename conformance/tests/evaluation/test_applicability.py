"""`evaluation.applicability`: what a scenario needs, and the verdict if it does not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.evaluation.applicability import (
    GRANTED_BY_USER,
    inapplicable,
    verdict_without_run,
)
from tus_conformance.targets.profile import Profile
from tus_reports import Capability
from tus_scenarios import Scenario
from tus_scenarios.lint import NEEDS


def found(listed: str = "", seen: str = "", refused: str = "") -> DiscoveryResult:
    """Return a discovery of what is listed, what a probe saw, and what a probe saw refused."""
    observed = dict.fromkeys(seen.split(), "accepted")
    observed |= dict.fromkeys(refused.split(), "refused")
    capabilities = {
        name: Capability(
            name=name,
            advertised=name in listed.split(),
            observed="accepted" if how == "accepted" else "refused",
            reason="POST got 400.",
        )
        for name, how in observed.items()
    }
    return DiscoveryResult(extensions=tuple(listed.split()), capabilities=capabilities)


def scenario(needs: str = "", lacks: str = "") -> Scenario:
    """Return a scenario with needs."""
    return Scenario(
        id="a",
        title="A",
        section="Core",
        extension="core",
        requirements=("core.implemented",),
        needs=tuple(needs.split()),
        lacks=tuple(lacks.split()),
    )


LIMITED = replace(found(), max_size=5, algorithms=("md5", "sha1"))

NEEDED: list[tuple[Scenario, DiscoveryResult, str | None, str, str]] = [
    (scenario(), found(), None, "", "what needs nothing applies"),
    (scenario("creation"), found("creation"), None, "", "what is listed is there"),
    (scenario("creation"), found("creation", refused="creation"), None, "", "even if refused"),
    (scenario("creation"), found(seen="creation"), None, "", "what a probe saw is there"),
    (
        scenario("creation"),
        found(refused="creation"),
        "unsupported",
        "creation is not listed, and a probe saw it refused. POST got 400.",
        "neither listed nor accepted",
    ),
    (
        scenario("creation"),
        found(),
        "not-applicable",
        "creation is not listed, and probes do not show whether the server has it."
        " No probe tried it.",
        "without a probe nobody knows",
    ),
    (
        scenario("concatenation-unfinished"),
        found(refused="concatenation concatenation-unfinished"),
        "unsupported",
        "concatenation-unfinished builds on concatenation, and concatenation is not listed, and a"
        " probe saw it refused. POST got 400.",
        "what builds on that was not tried",
    ),
    (scenario("creation termination"), found("creation"), "not-applicable", "", "all are needed"),
    (scenario("download"), found(seen="download"), None, "", "a download that works"),
    (
        scenario("download"),
        found(refused="download"),
        "not-applicable",
        "the server does not offer downloads",
        "one that does not",
    ),
    (scenario("max-size"), LIMITED, None, "", "a limit that is stated"),
    (
        scenario("max-size"),
        found(),
        "not-applicable",
        "the server states no Tus-Max-Size",
        "no limit",
    ),
    (scenario(lacks="max-size"), found(), None, "", "no limit, where none may be"),
    (
        scenario(lacks="max-size"),
        LIMITED,
        "not-applicable",
        "the server has max-size",
        "a limit, where none may be",
    ),
    (scenario("checksum:md5"), LIMITED, None, "", "an algorithm that is listed"),
    (
        scenario("checksum:sha256"),
        LIMITED,
        "not-applicable",
        "the server does not list sha256",
        "one that is not",
    ),
    (
        scenario("profile:network-timeout"),
        found(),
        "not-applicable",
        "it needs `network_timeout` in the profile",
        "what only the profile tells",
    ),
    (scenario(lacks="checksum"), found(), None, "", "the extension is not there"),
    (
        scenario(lacks="checksum"),
        found("checksum"),
        "not-applicable",
        "the server lists checksum",
        "it is listed",
    ),
    (
        scenario(lacks="checksum"),
        found(seen="checksum"),
        "not-applicable",
        "a probe saw that the server has checksum",
        "it is not listed but does it",
    ),
]


@pytest.mark.parametrize(
    ("told", "discovered", "verdict", "reason"),
    [pytest.param(*case[:4], id=case[4]) for case in NEEDED],
)
def test_a_scenario_applies_where_its_needs_are_met(
    told: Scenario, discovered: DiscoveryResult, verdict: str | None, reason: str
) -> None:
    outcome = inapplicable(told, discovered, Profile())
    assert (outcome[0] if outcome else None) == verdict
    if reason:
        assert outcome is not None
        assert outcome[1] == reason


def test_the_profile_can_declare_what_a_scenario_needs() -> None:
    told = scenario("profile:network-timeout")
    assert inapplicable(told, found(), Profile(network_timeout=30)) is None


@pytest.mark.parametrize("need", sorted(set(NEEDS) - GRANTED_BY_USER))
def test_every_need_that_a_scenario_may_have_is_understood(need: str) -> None:
    outcome = inapplicable(scenario(need), found(), Profile())
    assert outcome is not None
    assert outcome[0] in {"not-applicable", "unsupported"}
    assert outcome[1]


WITHOUT_RUN: list[tuple[str, str | None, str, tuple[str, str] | None]] = [
    ("", None, "", None),
    ("", "excluded", "it went away.", ("excluded", "excluded")),
    ("checksum", None, "it went away.", ("not-applicable", "checksum is not listed")),
    ("", None, "it went away.", ("error", "Not run: it went away.")),
]


@pytest.mark.parametrize(("needs", "exclusion", "server_lost", "expected"), WITHOUT_RUN)
def test_a_scenario_that_does_not_run_has_a_verdict(
    needs: str, exclusion: str | None, server_lost: str, expected: tuple[str, str] | None
) -> None:
    """The user comes first, then what the server has, then what became of it."""
    told = verdict_without_run(
        scenario(needs), found(), Profile(), exclusion=exclusion, server_lost=server_lost
    )
    if expected is None or told is None:
        assert told is None is expected
    else:
        assert (told[0], told[1][: len(expected[1])]) == expected
