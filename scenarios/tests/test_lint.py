"""`lint`: each rule fails on a sample that breaks just that rule."""

from __future__ import annotations

import pytest

from tus_scenarios.context import ScenarioContext
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.lint import ensure_valid
from tus_scenarios.reader import ScenarioError, parse_scenarios

HEAD = """
section = "Core/HEAD"
extension = "core"
"""
VALID_SAMPLE = """
[[scenario]]
id = "sound"
title = "A sound one"
why = "It shows that the others fail for their own reason."
step = [
  { given = { length = 10 } },
  { head = {}, name = "asked", expect = [{ status = 200, checks = "core.head.success-status" }] },
  { patch = { offset = "{asked.Upload-Offset}", send = 1 }, expect = [
    { status = 204, header.Upload-Offset = "{upload.offset+1}", checks = "core.patch.success-204" },
  ] },
]
"""

BROKEN_SAMPLES = {
    "a letter that ids do not have": ('id = "sound"', 'id = "Sound!"', "an id may contain only"),
    "a title that is not filled in": (
        'title = "A sound',
        'each.cut = { one = "first" }\ntitle = "{cut} {cut-in-words} {ctu} sound',
        "its title refers to {ctu}, which is not a parameter",
    ),
    "no reason": ("why = ", "why = '' #", "`why` is missing"),
    "an unknown row": ("core.head.success-status", "core.head.sucess", "not in the ledger"),
    "an unknown row to blame": (
        "{ given = { length = 10 } },",
        "{ given = { length = 10 } }, { options = {}, setup = true, expect = [{ status = 200,"
        ' checks = "core.opshuns" }] },',
        "'core.opshuns', which is not in the ledger",
    ),
    "a duty of clients": (
        "core.head.success-status",
        "client.core.head-before-resume",
        "a requirement for clients",
    ),
    "an unknown need": ('title = "A', 'needs = ["cration"]\ntitle = "A', "needs 'cration'"),
    "an unknown lack": ('title = "A', 'lacks = ["teleport"]\ntitle = "A', "needs 'teleport'"),
    "a step for nothing": (
        "{ given = { length = 10 } },",
        "{ given = { length = 10 } }, { head = {} },",
        "expects nothing",
    ),
    "a comparison with nothing": (
        'header.Upload-Offset = "{upload.offset+1}"',
        'header.Upload-Offset = { same = "asket" }',
        "compares with the response to 'asket', but no earlier step has this name",
    ),
    "a name given twice": (
        "{ given = { length = 10 } },",
        '{ given = { length = 10 } }, { head = {}, name = "asked" },',
        "of an earlier step",
    ),
    "an expectation of anything": ("{ status = 200, checks", "{ checks", "without any condition"),
    "an answer that comes later": (
        "{ status = 200, checks",
        "{ after.asked.status = 404, status = 200, checks",
        "step 2 depends on the response to 'asked', but no earlier step has this name",
    ),
    "an answer of which nothing is asked": (
        "{ status = 204, header",
        "{ after.asked = {}, status = 204, header",
        "step 3 depends on the response to 'asked' without a condition",
    ),
    "a note of which one status is taken away": (
        "{ status = 204, header",
        '{ status = 201, warn = [{ status = "4xx" }], note = [{ status = [413, 507] }], header',
        "a note for status 413 or 507 that an earlier alternative hides",
    ),
    "a fail that is taken away": (
        "{ status = 204, header",
        '{ status = 201, note = [{ status = "4xx" }], fail = [{ status = 413 }], header',
        "a fail for status 413 that an earlier alternative hides",
    ),
    "an unbound reference": ("{asked.Upload-Offset}", "{aksed.Upload-Offset}", "refers to {aksed"),
    "an upload nobody made": ("head = {}", 'head = { of = "b" }', "about the upload 'b'"),
    "an upload that reads as a number less": (
        "given = { length = 10 }",
        'given = { name = "part-1", length = 10 }',
        "calls an upload 'part-1', and {part-1} reads as {part} minus 1; call it 'part1'",
    ),
    "a creation that does": (
        "{ given = { length = 10 } },",
        '{ given = { length = 10 } }, { post = { of = "a-20", length = 1 }, setup = true },',
        "calls an upload 'a-20', and {a-20} reads as {a} minus 20; call it 'a20'",
    ),
    "a parameter that does": (
        'title = "A',
        'each.size-2 = { one = 1 }\ntitle = "A',
        "calls a parameter 'size-2', and {size-2} reads as {size} minus 2; call it 'size2'",
    ),
    "a reference to a later step": (
        "given = { length = 10 }",
        'given = { length = "{asked.Upload-Length}" }',
        "refers to {asked",
    ),
    "an unknown digest": ("send = 1 }", 'send = 1, header.A = "{body.sha3}" }', "{body.sha3}"),
    "a trailer without chunks": (
        "send = 1 }",
        'send = 1, trailer.A = "b" }',
        "only a chunked body",
    ),
    "a length of its own": ("send = 1 }", "send = 1, declare = 9 }", 'framing = "raw"'),
    "two bodies": ("send = 1 }", 'send = 1, body = "x" }', "one body"),
    "a cut nowhere": (
        "send = 1 }",
        'send = 1, cut = { after = "half" } }',
        "'half' is not a position",
    ),
    "a stall in nothing": (
        "send = 1 }",
        "faults = [{ stall = 1 }] }",
        "a stall within a body that it does not have",
    ),
    "a cut in no chunk": (
        "send = 1 }",
        'send = 1, faults = [{ inside = "end", cut = "fin" }] }',
        "not chunked",
    ),
    "a wait for nobody": (
        "send = 1 }",
        'send = 1, faults = [{ stall = 1, until = "asked" }] }',
        "waits for 'asked', which no later step is called",
    ),
    "two waits at once": (
        "{ given = { length = 10 } },",
        "{ given = { length = 10 } }, { patch = { send = 1, faults = ["
        '{ stall = 1, until = "asked" }, { stall = 1, until = "asked" }] }, name = "slow" },',
        "step 2 may wait for one later step only, and within its body.",
    ),
    "a wait outside of the body": (
        "{ given = { length = 10 } },",
        "{ given = { length = 10 } }, { patch = { send = 1, faults = ["
        '{ inside = "head", stall = 1, until = "asked" }] }, name = "slow" },',
        "step 2 may wait for one later step only, and within its body.",
    ),
    "a reference to nothing": (
        "{asked.Upload-Offset}",
        "{nobody.Upload-Offset}",
        "step 3 refers to {nobody.Upload-Offset}, which no earlier step defines.",
    ),
    "an expected reference to nothing": (
        "{upload.offset+1}",
        "{nobody.offset+1}",
        "step 3 refers to {nobody.offset+1}, which no earlier step defines.",
    ),
    "an upload of nobody": (
        "head = {},",
        'head = { of = "b" },',
        "step 2 is about the upload 'b', which no earlier step creates.",
    ),
    "an upload and a step of one name": (
        "{ given = { length = 10 } },",
        '{ given = { name = "asked" } }, { given = { length = 10 } },',
        "it calls both an upload and a step 'asked', so {asked} is either",
    ),
    "a parameter that has a meaning of its own": (
        'title = "A',
        'each.creation = { one = "1" }\ntitle = "A',
        "it calls a parameter 'creation', and {creation} has a meaning of its own",
    ),
    "a cut in nothing": ("send = 1 }", "cut = { after = 1 } }", "does not have"),
}


def valid_sample(text: str) -> None:
    """Read and check the scenarios of a text."""
    ensure_valid(parse_scenarios(HEAD + text, "sample.toml"))


def test_the_sample_is_sound() -> None:
    """Otherwise the samples below would prove nothing."""
    valid_sample(VALID_SAMPLE)


@pytest.mark.parametrize("case", BROKEN_SAMPLES)
def test_a_broken_rule_is_reported(case: str) -> None:
    """The message names the scenario and says what is wrong."""
    old, new, sentence = BROKEN_SAMPLES[case]
    assert old in VALID_SAMPLE
    with pytest.raises(ScenarioError) as error:
        valid_sample(VALID_SAMPLE.replace(old, new, 1))
    assert sentence in str(error.value)
    assert str(error.value).startswith("Scenario ")
    assert "\n" not in str(error.value)


def test_an_id_may_be_given_once() -> None:
    """Results of one would hide those of the other."""
    with pytest.raises(ScenarioError, match="Scenario sound: another scenario has the same id"):
        valid_sample(VALID_SAMPLE + VALID_SAMPLE)


def test_a_scenario_checks_something() -> None:
    """One that checks nothing cannot fail."""
    steps = "step = [{ options = {}, setup = true }]"
    text = f'[[scenario]]\nid = "idle"\ntitle = "Idle"\nwhy = "No."\n{steps}\n'
    with pytest.raises(ScenarioError, match="it checks nothing"):
        valid_sample(text)


def test_a_function_needs_its_prose() -> None:
    """`explain` has nothing else to show of it."""

    @function_scenario(
        id="mute",
        title="Mute",
        section="Core/HEAD",
        extension="core",
        checks=("core.head.success-status",),
        steps=(),
        why="It says nothing.",
    )
    async def mute(context: ScenarioContext) -> None:
        """Say nothing."""

    with pytest.raises(ScenarioError, match="needs its steps in prose"):
        ensure_valid([mute])
