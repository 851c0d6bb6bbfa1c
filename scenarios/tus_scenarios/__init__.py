"""The ledger of tus 1.0.0 and the scenarios that exercise it: data, and the types that read it."""

from __future__ import annotations

from tus_scenarios import prose
from tus_scenarios.expectation import (
    Condition,
    Expectation,
    Form,
    HeaderMatch,
    HeaderMatches,
    Matcher,
    Status,
)
from tus_scenarios.fault import Cut, Fault
from tus_scenarios.functions import scenario
from tus_scenarios.reader import ScenarioError, read_file
from tus_scenarios.registry import scenarios
from tus_scenarios.requirement import (
    SPEC_EDITION,
    SPEC_URL,
    Grade,
    Level,
    Requirement,
    ledger,
)
from tus_scenarios.scenario import Scenario
from tus_scenarios.step import DIGEST_FORMS, DIGESTS, Finish, Given, Request, Step
from tus_scenarios.story import Paced, Reply, Story, Upload

__all__ = [
    "DIGESTS",
    "DIGEST_FORMS",
    "SPEC_EDITION",
    "SPEC_URL",
    "Condition",
    "Cut",
    "Expectation",
    "Fault",
    "Finish",
    "Form",
    "Given",
    "Grade",
    "HeaderMatch",
    "HeaderMatches",
    "Level",
    "Matcher",
    "Paced",
    "Reply",
    "Request",
    "Requirement",
    "Scenario",
    "ScenarioError",
    "Status",
    "Step",
    "Story",
    "Upload",
    "ledger",
    "prose",
    "read_file",
    "scenario",
    "scenarios",
]
