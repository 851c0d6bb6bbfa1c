"""`clients.rule_script`: which rules of a situation apply to a request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from seen_client import SeenClient

from tus_conformance.clients.rule_script import RuleScript
from tus_conformance.clients.seen_request import SeenUpload
from tus_scenarios.server_rule import ServerRule


def rule(**fields: Any) -> ServerRule:
    action = {"forget": True} if not {"store", "cut", "answer"} & set(fields) else {}
    return msgspec.convert({"on": "PATCH", **action, **fields}, ServerRule)


def applied(rules: list[ServerRule], methods: str) -> list[list[str]]:
    """Return the names of the rules that each request gets; methods are separated by spaces."""
    script, client = RuleScript(rules), SeenClient()
    upload = SeenUpload("u", 2, "partial")
    return [
        [each.name for each in script.choose(client.send(method), upload)]
        for method in methods.split()
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [["r"], [], []]),
        ({"times": 0}, [["r"], ["r"], ["r"]]),
        ({"first": 2}, [[], ["r"], []]),
        ({"first": 2, "times": 2}, [[], ["r"], ["r"]]),
        ({"first": 3, "times": 0}, [[], [], ["r"]]),
        ({"upload": 2}, [["r"], [], []]),
        ({"upload": 1}, [[], [], []]),
        ({"kind": "partial"}, [["r"], [], []]),
        ({"kind": "final"}, [[], [], []]),
    ],
)
def test_which_requests_a_rule_is_about(fields: dict[str, Any], expected: list[list[str]]) -> None:
    assert applied([rule(name="r", **fields)], "PATCH PATCH PATCH") == expected


def test_a_rule_after_another_waits_for_it() -> None:
    rules = [rule(name="cut", first=2), rule(name="then", on="HEAD", after="cut")]
    assert applied(rules, "HEAD PATCH HEAD PATCH HEAD HEAD") == [
        [],
        [],
        [],
        ["cut"],
        ["then"],
        [],
    ]


def test_a_method_that_an_override_names_counts() -> None:
    client = SeenClient()
    request = client.send("POST", headers={"X-HTTP-Method-Override": "PATCH"})
    assert RuleScript([rule()]).choose(request, None)
    assert not RuleScript([rule(on="POST")]).choose(request, None)
