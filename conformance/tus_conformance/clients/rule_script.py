"""The rules of a situation while it runs: which of them apply to a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tus_conformance.clients.seen_request import SeenRequest, SeenUpload
from tus_scenarios.server_rule import ServerRule


class RuleScript:
    """Chooses the rules for each request, and remembers which have been applied."""

    def __init__(self, rules: Sequence[ServerRule]) -> None:
        self._rules = rules
        self._matches: Counter[int] = Counter()
        self._applied: set[str] = set()

    def choose(self, request: SeenRequest, upload: SeenUpload | None) -> list[ServerRule]:
        """Return the rules for a request, in their order; at most one of them ends it."""
        chosen: list[ServerRule] = []
        for place, rule in enumerate(self._rules):
            if not self._matches_request(rule, request, upload):
                continue
            self._matches[place] += 1
            count = self._matches[place]
            if count < rule.first or (rule.times and count >= rule.first + rule.times):
                continue
            chosen.append(rule)
        self._applied |= {rule.name for rule in chosen if rule.name}
        return chosen

    def _matches_request(
        self, rule: ServerRule, request: SeenRequest, upload: SeenUpload | None
    ) -> bool:
        if rule.on != request.effective_method:
            return False
        if rule.after and rule.after not in self._applied:
            return False
        if rule.kind and rule.kind != (upload.concat if upload else request.concat):
            return False
        return not rule.upload or (upload is not None and upload.number == rule.upload)
