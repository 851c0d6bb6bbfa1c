"""`reader`: a mistake in a scenario file is reported with its place and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tus_scenarios import ScenarioError, read_file
from tus_scenarios.reader import known_keys, parse_scenarios
from tus_scenarios.scenario import ScenarioSource

FILE_START = 'section = "Core/HEAD"\nextension = "core"\n'


def step_file(text: str) -> str:
    """Return a file with one scenario of one step."""
    return f'{FILE_START}[[scenario]]\nid = "one"\ntitle = "One"\nstep = [{text}]\n'


MISTAKES = {
    "not TOML": ("id = \n", ["mine.toml is not TOML", "line 1"]),
    "no scenario": (FILE_START, ["mine.toml contains no scenario", "[[scenario]]"]),
    "unknown key of the file": (
        f'{FILE_START}sectoin = "x"\n[[scenario]]\nid = "one"',
        ["mine.toml: unknown key `sectoin`", "did you mean `section`?", "extension"],
    ),
    "unknown key of a scenario": (
        f'{FILE_START}[[scenario]]\nid = "one"\ntitle = "One"\nneed = ["creation"]\nstep = []',
        ["mine.toml, scenario one", "unknown key `need`", "did you mean `needs`?", "lacks"],
    ),
    "unknown key of a request": (
        step_file("{ patch = { offest = 3 } }"),
        ["scenario one", "unknown key `offest` in `step[1].patch`", "`offset`", "framing"],
    ),
    "unknown key of an expectation": (
        step_file(
            '{ head = {}, expect = [{ statsu = 200, checks = "core.head.success-status" }] }'
        ),
        ["unknown key `statsu` in `step[1].expect[1]`", "did you mean `status`?", "otherwise"],
    ),
    "unknown key of a matcher": (
        step_file('{ head = {}, expect = [{ header.A = { leest = 1 }, checks = "x" }] }'),
        ["unknown key `leest`", "did you mean `least`?", "metadata"],
    ),
    "a wrong type": (
        step_file('{ head = {}, setup = "yes" }'),
        ["scenario one", "must be true or false", "setup"],
    ),
    "no act": (step_file("{ setup = true }"), ["exactly one act", "it has none"]),
    "two acts": (step_file("{ head = {}, get = {} }"), ["exactly one act", "head and get"]),
    "a request without a method": (step_file("{ request = {} }"), ["`request` needs a `method`"]),
    "no title": (f'{FILE_START}[[scenario]]\nid = "one"\nstep = []', ["scenario one", "title"]),
    "no id": (f'{FILE_START}[[scenario]]\ntitle = "One"\nstep = []', ["scenario number 1", "id"]),
    "a text for scenarios": (f'{FILE_START}scenario = "one"', ["mine.toml contains no scenario"]),
    "an empty list of scenarios": (
        f"{FILE_START}scenario = []",
        ["mine.toml contains no scenario"],
    ),
    "no table": (f'{FILE_START}scenario = ["one"]', ["scenario number 1", "it must be a table"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_in_a_sentence(mistake: str, tmp_path: Path) -> None:
    """The message names the file, the scenario, the key, and the keys there are."""
    text, parts = MISTAKES[mistake]
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as error:
        read_file(path)
    message = str(error.value)
    assert [part for part in parts if part not in message] == [], message
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message


WHOLE_MESSAGES = {
    f'{FILE_START}sectoin = "x"\n[[scenario]]\nid = "one"': (
        "mine.toml: unknown key `sectoin`; did you mean `section`?"
        " known keys: section, extension, scenario."
    ),
    f'{FILE_START}zzz = "x"\n[[scenario]]\nid = "one"': (
        "mine.toml: unknown key `zzz`; known keys: section, extension, scenario."
    ),
    step_file("{ finish = { off = 3 } }"): (
        "mine.toml, scenario one: unknown key `off` in `step[1].finish`;"
        " did you mean `of`? known keys: of."
    ),
    step_file("{ finish = { zzz = 3 } }"): (
        "mine.toml, scenario one: unknown key `zzz` in `step[1].finish`; known keys: of."
    ),
    step_file('{ head = {}, setup = "yes" }'): (
        "mine.toml, scenario one: `step[1].setup` must be true or false, not a string."
    ),
    step_file("{ setup = true }"): (
        "mine.toml, scenario one: in `step[1]`: A step needs exactly one action of given, post,"
        " patch, head, options, get, delete, request, finish, insert; it has none."
    ),
    step_file('{ head = { header = { A = "{n}" } } }') + "each.n.one = 1\n": (
        "mine.toml, scenario one, its parameters filled in:"
        " Expected `str | array`, got `int` - at `step[0].head.header[...]`."
    ),
    step_file('{ head = { to = "{n+1}" } }') + 'each.n.one = "x"\n': (
        "mine.toml, scenario one, its parameters filled in: {n+1} needs a number, and n is 'x'."
    ),
    step_file("{ request = {} }"): (
        "mine.toml, scenario one: in `step[1]`: `request` needs a `method`; the other actions"
        " imply theirs."
    ),
}


@pytest.mark.parametrize(("text", "sentence"), WHOLE_MESSAGES.items(), ids=WHOLE_MESSAGES.values())
def test_a_sentence_is_whole(text: str, sentence: str) -> None:
    """Nothing is missing in it, and nothing too much."""
    with pytest.raises(ScenarioError) as error:
        parse_scenarios(text, "mine.toml")
    assert str(error.value) == sentence


def test_scenarios_come_in_the_order_of_the_file() -> None:
    """All of them."""
    second = '[[scenario]]\nid = "two"\ntitle = "Two"\nstep = []\n'
    assert [
        scenario.id for scenario in parse_scenarios(step_file("{ head = {} }") + second, "x")
    ] == ["one", "two"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """No traceback for a mistyped name."""
    with pytest.raises(ScenarioError, match=r"none\.toml cannot be read: No such file"):
        read_file(tmp_path / "none.toml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A picture, say."""
    (tmp_path / "a.toml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ScenarioError, match=r"a\.toml is not UTF-8 text"):
        read_file(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("$", "step"),
        ("$.step[...]", "within"),
        ("$.step[...].given", "stored"),
        ("$.step[0].patch.cut", "after"),
        ("$.step[...].expect[...].warn[...]", "says"),
        ("$.step[...].expect[...].when", "closed"),
        ("$.step[...].expect[...].header[...]", "includes"),
        ("$.step[...].expect[...].header.Location", "includes"),
    ],
)
def test_the_keys_of_a_place_are_known(path: str, key: str) -> None:
    """The path of a message leads to the type whose keys are listed."""
    assert key in known_keys(ScenarioSource, path)


def test_a_user_file_is_read_like_ours(tmp_path: Path) -> None:
    """A scenario of one's own has the same parts."""
    path = tmp_path / "mine.toml"
    path.write_text(
        step_file(
            '{ head = { to = "{unknown}" }, expect = [{ status = 404,'
            ' checks = "core.head.not-found-status" }] }'
        ),
        "utf-8",
    )
    (mine,) = read_file(path)
    assert (mine.id, mine.requirements) == ("one", ("core.head.not-found-status",))


def test_parameters_multiply() -> None:
    """Two parameters of two values make four scenarios."""
    text = step_file('{ head = { to = "{a}{b}" }, name = "x" }') + (
        "each.a = { one = 1, two = 2 }\neach.b = { x = 'x', empty = '' }\n"
    )
    made = parse_scenarios(text.replace('title = "One"', 'title = "A {a} and {b}"'), "two.toml")
    assert [scenario.id for scenario in made] == [
        "one/one,x",
        "one/one,empty",
        "one/two,x",
        "one/two,empty",
    ]
    assert made[1].title == 'A 1 and ""'
    assert made[3].parameters == {"a": 2, "b": ""}
