"""The ledger of tus 1.0.0 and the scenarios that exercise it: data, and the types that read it."""

from __future__ import annotations

from tus_scenarios import prose
from tus_scenarios.context import PausedRequest, ScenarioContext, ScenarioResponse, ScenarioUpload
from tus_scenarios.expectation import (
    Condition,
    Expectation,
    HeaderCondition,
    HeaderConditions,
    HeaderFormat,
    HeaderMatcher,
    StatusPattern,
)
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.network_fault import Cut, NetworkFault
from tus_scenarios.reader import ScenarioError, read_file
from tus_scenarios.registry import scenarios
from tus_scenarios.requirement import (
    EXTENSIONS,
    SPEC_EDITION,
    SPEC_URL,
    Grade,
    Level,
    Requirement,
    ledger,
)
from tus_scenarios.scenario import Scenario
from tus_scenarios.step import DIGEST_FORMS, DIGESTS, FinishUpload, GivenUpload, RequestSpec, Step

__all__ = [
    "DIGESTS",
    "DIGEST_FORMS",
    "EXTENSIONS",
    "SPEC_EDITION",
    "SPEC_URL",
    "Condition",
    "Cut",
    "Expectation",
    "FinishUpload",
    "GivenUpload",
    "Grade",
    "HeaderCondition",
    "HeaderConditions",
    "HeaderFormat",
    "HeaderMatcher",
    "Level",
    "NetworkFault",
    "PausedRequest",
    "RequestSpec",
    "Requirement",
    "Scenario",
    "ScenarioContext",
    "ScenarioError",
    "ScenarioResponse",
    "ScenarioUpload",
    "StatusPattern",
    "Step",
    "function_scenario",
    "ledger",
    "prose",
    "read_file",
    "scenarios",
]
