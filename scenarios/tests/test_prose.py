"""`prose`: steps and expectations read as English."""

from __future__ import annotations

import msgspec
import pytest

from tus_scenarios import Step, prose, scenarios
from tus_scenarios.prose import describe_expectation, describe_step

STEP_CASES = {
    "an upload": ({"given": {}}, "Given an upload of 100 bytes"),
    "an upload with bytes": (
        {"given": {"name": "a", "length": 9, "stored": 4}},
        "Given an upload a of 9 bytes, 4 bytes of it stored",
    ),
    "a deferred upload": (
        {"given": {"deferred": True, "metadata": "a YQ=="}},
        "Given an upload of deferred length, created with Upload-Metadata: a YQ==",
    ),
    "a creation": (
        {"post": {"length": 10, "omit": ["Tus-Resumable"]}},
        "POST a new upload, with Upload-Length: 10, without Tus-Resumable",
    ),
    "a patch": (
        {"patch": {"offset": 3, "send": 10, "at": 60}},
        "PATCH the upload, with Upload-Offset: 3, sending 10 bytes of the content from byte 60",
    ),
    "a broken patch": (
        {"patch": {"send": "rest", "framing": "chunked", "cut": {"after": "50%", "by": "rst"}}},
        "PATCH the upload, sending the rest of the content, in chunked coding, the connection"
        " reset after 50% of it",
    ),
    "odd values": (
        {"patch": {"of": "b", "header": {"A": ["", " x", "\n"]}, "body": "hello"}},
        'PATCH the upload b, with A: "", A: " x" and A: "\\n", sending \'hello\'',
    ),
    "an unknown upload": ({"head": {"to": "{unknown}"}}, "HEAD an upload that never existed"),
    "the whole server": ({"options": {"to": "*"}}, "OPTIONS the server as a whole (*)"),
    "another method": (
        {"request": {"method": "PUT", "to": "{upload}"}, "setup": True},
        "PUT the upload (a precondition)",
    ),
    "patience": (
        {"finish": {}, "within": 30},
        "Resume the upload at the offset from HEAD, complete it, compare every byte, repeated for"
        " up to 30 seconds",
    ),
}

EXPECTATION_CASES = {
    "a status": (
        {"status": 409, "checks": "core.patch.offset-mismatch-409"},
        "status 409; else a failure [core.patch.offset-mismatch-409]",
    ),
    "grades": (
        {
            "status": [200, 204],
            "checks": "core.head.success-status",
            "warn": [{"status": "2xx", "says": "odd"}],
            "note": [{"closed": True}],
            "otherwise": "fail",
        },
        "status 200 or 204; a warning for status 2xx (odd); a note for a connection closed"
        " without a response; else a failure [core.head.success-status]",
    ),
    "headers": (
        {
            "header": {
                "A": True,
                "B": False,
                "C": {"form": "integer", "least": 1, "most": 9},
                "D": [False, {"includes": "no-store"}],
                "E": {"least": 4, "most": 4},
                "F": {"among": "a,b"},
                "G": {"members": "a,b"},
            },
            "checks": ["core.head.cache-control", "core.head.success-status"],
        },
        "A, no B, C that is a non-negative integer and of at least 1 and of at most 9, no D or D"
        " with no-store, E worth 4, F of nothing but a,b, G of the same members as a,b; else a"
        " failure or a warning [core.head.cache-control, core.head.success-status]",
    ),
    "bounds that no value meets": (
        {
            "header": {"Upload-Offset": {"least": "180", "most": 140}},
            "checks": "core.patch.concurrent",
            "otherwise": "fail",
        },
        "Upload-Offset of at most 140, although a response said 180; else a failure"
        " [core.patch.concurrent]",
    ),
    "a condition of its own": (
        {
            "when": {"status": 412},
            "says": "what it means otherwise",
            "header": {"Tus-Version": {"form": "versions"}},
            "checks": "core.tus-resumable.unsupported-tus-version",
        },
        "Tus-Version that is a comma-separated list of versions, where the response has status 412;"
        " else a failure (what it means otherwise) [core.tus-resumable.unsupported-tus-version]",
    ),
    "a condition on what came before": (
        {
            "after": {"asked": {"status": "4xx"}},
            "header": {"Upload-Offset": "40"},
            "checks": "core.patch.accept",
        },
        "Upload-Offset: 40, if the response to 'asked' had status 4xx; else a warning"
        " [core.patch.accept]",
    ),
    "bytes": (
        {"intact": True, "checks": "core.patch.apply-at-offset"},
        "every byte in place; else a warning [core.patch.apply-at-offset]",
    ),
}


@pytest.mark.parametrize("case", STEP_CASES)
def test_acts(case: str) -> None:
    """What a step does."""
    step, sentence = STEP_CASES[case]
    assert describe_step(msgspec.convert(step, Step)) == sentence


@pytest.mark.parametrize("case", EXPECTATION_CASES)
def test_expectations(case: str) -> None:
    """What is asked of its answer."""
    expectation, sentence = EXPECTATION_CASES[case]
    step = msgspec.convert({"head": {}, "expect": [expectation]}, Step)
    assert describe_expectation(step.expect[0]) == sentence


def test_a_whole_scenario() -> None:
    """Parameters are filled in; references of the telling stay."""
    found = {scenario.id: scenario for scenario in scenarios()}
    assert found["core.patch.offset-mismatch/below"].prose == (
        "Given an upload of 100 bytes, 40 bytes of it stored.",
        "PATCH the upload, with Upload-Offset: 39, sending 10 bytes of the content from byte 60.",
        "  expects status 409; else a failure [core.patch.offset-mismatch-409].",
        "HEAD the upload.",
        "  expects Upload-Offset: 40; else a failure [core.patch.offset-mismatch-no-change].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.offset-mismatch-no-change].",
    )


def test_references_can_be_filled() -> None:
    """The engine shows what was expected in the words of one telling."""
    step = msgspec.convert(
        {"head": {}, "expect": [{"header": {"A": "{x}"}, "checks": "core.head.cache-control"}]},
        Step,
    )
    filled = prose.describe_pass_condition(step.expect[0], lambda text: text.replace("{x}", "7"))
    assert filled == "A: 7"
