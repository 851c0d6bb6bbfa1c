"""`proxy.fault_rules`: what a plan may contain; the seed decides what happens."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from tus_conformance.proxy import FaultPlanError, ProxiedRequest, read_fault_plan
from tus_conformance.proxy.fault_rules import ChosenFault, SeededFaultPlan
from tus_conformance.proxy.fault_rules_schema import SCHEMA_FILE, plan_schema, schema_text

EXAMPLE = Path(__file__).parents[2] / "interop/plan.toml"


def plan(tmp_path: Path, text: str) -> Path:
    """Write a plan and return its place."""
    place = tmp_path / "plan.toml"
    place.write_text(text, "utf-8")
    return place


def patch(number: int, method: str = "PATCH") -> ProxiedRequest:
    """Return a request."""
    return ProxiedRequest(number, method, "/files/a", ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "rule"),
        ("[[rule]]", "chance"),
        ("[[rule]]\nchance = 2\nanswer = 500", "`chance` must be a number from 0 to 1"),
        ("[[rule]]\nchance = 0.1", "either a `fault` or an `answer`"),
        ("[[rule]]\nchance = 0.1\nanswer = 100", "`answer` must be a status from 200 to 599"),
        ("[[rule]]\nnth = [0]\nanswer = 500", "`nth` counts from 1"),
        ("[[rule]]\nnth = [1]\nanswer = 500\nmin_size = -1", "must not be negative"),
        ('[[rule]]\nchance = 1\nfault = { cut = "rst", at = "soon" }', "'soon' is not a position"),
        ('[[rule]]\nchance = 1\nfault = { cut = "rst", stall = 1 }', "exactly one act"),
        (
            '[[rule]]\nchance = 1\nfault = { stall = 1, until = "a" }',
            "needs the steps of a scenario",
        ),
        ("[[rule]]\nchance = 0.6\nanswer = 500\n" * 2, "the chances for PATCH add up to 1.2"),
        ("chance = ", "is not TOML"),
        ("[[rule]]\nchance = 0.1\nodd = 1\nanswer = 500", "odd"),
    ],
)
def test_a_mistake_is_reported(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(FaultPlanError) as told:
        read_fault_plan(plan(tmp_path, text), 1)
    assert sentence in str(told.value)


def test_a_plan_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FaultPlanError, match="cannot be read"):
        read_fault_plan(tmp_path / "none.toml", 1)


def test_things_happen_as_often_as_their_chances_say(tmp_path: Path) -> None:
    text = '[[rule]]\nchance = 0.2\nfault = { lose = "reply" }\n'
    text += '[[rule]]\nchance = 0.1\nmethods = ["PATCH", "POST"]\nanswer = 503\n'
    rules = read_fault_plan(plan(tmp_path, text), 1)
    tally = Counter(
        "lost" if chosen.lose else "answered" if chosen.answer else "nothing"
        for chosen in (rules.choose(patch(number)) for number in range(5000))
    )
    assert 900 < tally["lost"] < 1100
    assert 420 < tally["answered"] < 580
    assert all(rules.choose(patch(number, "HEAD")) == ChosenFault() for number in range(100))


def test_the_seed_and_the_number_of_a_request_decide_what_happens(tmp_path: Path) -> None:
    place = plan(tmp_path, '[[rule]]\nchance = 0.5\nfault = { cut = "rst", at = "any" }')
    first, second, other = [
        [read_fault_plan(place, seed).choose(patch(number)) for number in range(50)]
        for seed in (1, 1, 2)
    ]
    assert first == second
    assert first != other
    assert len({chosen.faults[0].at for chosen in first if chosen.faults}) > 10


def test_a_rule_is_about_the_nth_of_its_requests(tmp_path: Path) -> None:
    rules = read_fault_plan(plan(tmp_path, "[[rule]]\nnth = [1, 3]\nanswer = 200"), 1)
    methods = ["POST", "PATCH", "HEAD", "PATCH", "PATCH", "PATCH"]
    answers = [rules.choose(patch(n, method)).answer for n, method in enumerate(methods)]
    assert answers == [None, 200, None, None, 200, None]
    assert rules.plan.rule[0].scope == "number 1, 3 of PATCH"


def test_a_rule_is_limited_by_size_and_time(tmp_path: Path) -> None:
    text = "[[rule]]\nchance = 1\nanswer = 500\nmin_size = 100\nafter = 5\nuntil = 9"
    moments = iter((0.0, 0.0, 4.0, 6.0, 6.0, 9.0))
    read = read_fault_plan(plan(tmp_path, text), 1)
    rules = SeededFaultPlan(read.plan, 1, now=lambda: next(moments))
    sizes = (200, 200, 200, 99, 200)
    answers = [
        rules.choose(ProxiedRequest(n, "PATCH", "/files/a", (), length=size)).answer
        for n, size in enumerate(sizes)
    ]
    assert answers == [None, None, 500, None, None]


def test_an_override_counts_as_the_method_it_names(tmp_path: Path) -> None:
    rules = read_fault_plan(plan(tmp_path, "[[rule]]\nchance = 1\nanswer = 500"), 1)
    overridden = ProxiedRequest(1, "POST", "/files/a", (("x-http-method-override", "PATCH"),))
    assert rules.choose(overridden).answer == 500


def test_the_schema_in_the_package_is_that_of_the_types() -> None:
    """Write it anew with `python -m tus_conformance.proxy.fault_rules_schema`."""
    assert SCHEMA_FILE.read_text("utf-8") == schema_text()


def test_the_plan_of_the_interop_trial_is_as_the_schema_says() -> None:
    jsonschema.validate(tomllib.loads(EXAMPLE.read_text("utf-8")), plan_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rule": [{"chance": 0.1, "odd": 1}]}, plan_schema())
    assert len(read_fault_plan(EXAMPLE, 1).plan.rule) == 6
