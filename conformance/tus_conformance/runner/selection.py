"""Which scenarios run: what the user and the profile select."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tus_conformance.targets.profile import Profile

NOT_SELECTED = "not selected by --only"
"""Why a scenario is left out that the user did not ask for."""


_OPTION_REASONS = {
    "large": "it transfers gigabytes; --large includes it",
    "thorough": "it is one of many combinations; --thorough includes it",
    "slow": "it waits for half a minute or more; --slow includes it",
}


@dataclass(frozen=True)
class Selection:
    """Globs of scenario ids: any of `only`, none of `skip`; and what else may run.

    `large` permits scenarios that transfer gigabytes, `thorough` those that take minutes together,
    and `slow` those that wait for minutes.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    large: bool = False
    thorough: bool = False
    slow: bool = False

    def exclusion_reason(
        self, scenario: str, profile: Profile, needs: tuple[str, ...] = ()
    ) -> str | None:
        """Return why a scenario, by id and needs, is left out; None where it is not."""
        reason = self.deselection_reason(scenario)
        if reason is not None:
            return reason
        for exclusion in profile.exclude:
            if fnmatchcase(scenario, exclusion.scenario):
                return exclusion.reason
        granted = {"large": self.large, "thorough": self.thorough, "slow": self.slow}
        return next((_OPTION_REASONS[need] for need in needs if not granted.get(need, True)), None)

    def deselection_reason(self, scenario: str) -> str | None:
        """Return why a scenario is not one of those that the user named; None where it is."""
        if self.only and not _matches(scenario, self.only):
            return NOT_SELECTED
        if _matches(scenario, self.skip):
            return "excluded by --skip"
        return None


def _matches(scenario: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(scenario, glob) for glob in globs)
