"""`situation`: what a client meets, as data, and how its file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tus_scenarios.reader import ScenarioError
from tus_scenarios.server_rule import share_of
from tus_scenarios.situation import Situation
from tus_scenarios.situation_registry import parse_situations, read_situations, situations

HEAD = 'section = "Core"\nextension = "core"\n'
ONE = '[[situation]]\nid = "one"\ntitle = "A test"\n'


def read(text: str) -> list[Situation]:
    return parse_situations(f"{HEAD}{ONE}{text}", "test.toml")


def test_every_situation_has_its_prose_and_a_requirement() -> None:
    for each in situations():
        assert each.prose[0].startswith("The client uploads a file of"), each.id
        assert each.checks, each.id
    assert len({each.title for each in situations()}) == len(situations())


def test_every_outcome_that_is_graded_can_be_reached() -> None:
    for each in situations():
        assert "whole" not in {graded.outcome for graded in each.outcomes}, each.id


def test_parameters_make_a_situation_for_each_combination() -> None:
    found = read(
        'each.status = [400, 500]\neach.by = { reset = "rst" }\n'
        'rule = [{ on = "PATCH", answer = { status = "{status}" } }]\n'
    )
    assert [each.id for each in found] == ["one/400,reset", "one/500,reset"]
    assert [rule.answer.status for each in found for rule in each.rules if rule.answer] == [
        400,
        500,
    ]


def test_a_lie_after_an_untrue_response_only_warns() -> None:
    (honest,) = read("")
    (false,) = read('rule = [{ on = "PATCH", false = true, store = "0" }]')
    assert honest.grade_of("lied")[0] == "fail"
    assert false.grade_of("lied")[0] == "warn"
    assert false.grade_of("damaged")[0] == "fail"


def test_a_client_may_report_that_what_it_needs_is_not_offered_or_is_untrue() -> None:
    for each in situations():
        breaks = any(r.edit and "Upload-Offset" in r.edit.drop for r in each.rules)
        if each.id.endswith(".not-offered") or breaks or each.has_false_responses:
            assert each.grade_of("reported")[0] in {"pass", "note"}, each.id


@pytest.mark.parametrize("name", ["plain", "plain.large"])
def test_a_client_has_to_upload_a_file_when_nothing_goes_wrong(name: str) -> None:
    (each,) = [each for each in situations() if each.id == name]
    grades = {each.grade_of(outcome)[0] for outcome in ("reported", "hangs", "crashed", "silent")}
    assert grades == {"fail"}


def test_a_lie_before_the_untrue_response_fails() -> None:
    graded = 'outcome = [{ outcome = "lied", grade = "note", why = "It cannot know." }]'
    for text in ("", graded):
        (false,) = read(f'rule = [{{ on = "HEAD", false = true, store = "0" }}]\n{text}')
        assert false.grade_of("lied", misled=False)[0] == "fail"
        assert false.grade_of("reported", misled=False) == false.grade_of("reported")
    (honest,) = read(graded)
    assert honest.grade_of("lied", misled=False)[0] == "note"


def test_a_situation_may_grade_outcomes_itself() -> None:
    (each,) = read('outcome = [{ outcome = "reported", grade = "note", why = "It may." }]')
    assert each.grade_of("reported") == ("note", "It may.")
    assert each.grade_of("whole") == ("pass", "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('rule = [{ on = "PATCH" }]', "needs one of cut"),
        ('rule = [{ on = "PATCH", lose = "rst", store = "0" }]', "at most one of"),
        ('rule = [{ on = "PATCH", store = "half" }]', "write"),
        ('rule = [{ on = "FETCH", store = "0" }]', "FETCH"),
        ('rule = [{ on = "PATCH", store = "0", first = 0 }]', "counts from 1"),
        ('colour = "red"', "colour"),
        ("size = 'large'", "size"),
    ],
)
def test_a_situation_that_cannot_work_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ScenarioError, match=wrong):
        read(text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (ONE + ONE, "Two situations have the id 'one'"),
        (ONE + 'checks = ["core.head.cache-control"]', "not a requirement for clients"),
        (ONE + 'rule = [{ on = "HEAD", after = "cut", store = "0" }]', "no rule has the name"),
    ],
)
def test_a_file_that_cannot_work_is_refused(text: str, wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(HEAD + text, "utf-8")
    with pytest.raises(ScenarioError, match=wrong):
        read_situations(file)


@pytest.mark.parametrize(
    ("text", "length", "share"),
    [
        ("50%", 10, 5),
        ("50%", 1, 1),
        ("0%", 10, 0),
        ("100%", 10, 10),
        ("50%", 0, 0),
        ("4096", 10, 10),
        ("-1", 10, 9),
        ("-1", 0, 0),
        ("0", 10, 0),
    ],
)
def test_a_share_of_a_body(text: str, length: int, share: int) -> None:
    assert share_of(text, length) == share
