"""`peers.recipe`: each recipe can be read, and what is wrong in one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.recipe import (
    PEERS,
    RecipeError,
    choose_peers,
    fill_in,
    find_version,
    peer_names,
    read_recipe,
)
from tus_conformance.targets.profile import read_profile

SOURCES = {"requirements.txt", "package.json", "pom.xml", "Cargo.toml", "go.mod"}
"""Files in which a package client reads what to install."""


def write_recipe(folder: Path, text: str) -> None:
    (folder / "one").mkdir()
    (folder / "one/recipe.toml").write_text(text, "utf-8")


@pytest.mark.parametrize("name", peer_names())
def test_each_server_has_a_recipe_and_a_profile(name: str) -> None:
    """The version is the one that is installed."""
    recipe = read_recipe(name)
    read_profile(PEERS / name / "profile.toml")
    sources = [path for path in (PEERS / name).iterdir() if path.name in SOURCES]
    texts = [path.read_text("utf-8") for path in sources] or [str(recipe.install)]
    assert recipe.cannot_start or any(recipe.version in text for text in texts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('version = "1"', "either `start` or `cannot-start`"),
        ('version = "1"\nstart = "x {port}"\ncannot-start = "y"', "either"),
        ('version = "1"\nstart = "x"', "`{port}`"),
        ('version = "1"\nstart = "x {port}"\nmisspelt = 1', "misspelt"),
        ("version = ", "one/recipe.toml"),
    ],
)
def test_a_wrong_recipe_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    write_recipe(tmp_path, text)
    with pytest.raises(RecipeError, match=said):
        read_recipe("one", tmp_path)


def test_all_servers_are_chosen_without_a_name_and_an_unknown_name_is_an_error(
    tmp_path: Path,
) -> None:
    write_recipe(tmp_path, 'version = "1"\nstart = "x {port}"')
    assert choose_peers([], tmp_path) == ["one"]
    assert choose_peers(["one"], tmp_path) == ["one"]
    with pytest.raises(RecipeError, match="'two' has no recipe: name one of one"):
        choose_peers(["two"], tmp_path)


def test_the_port_is_left_for_the_suite() -> None:
    assert fill_in("{folder}/server {port}", {"folder": "home"}) == "home/server {port}"


@pytest.mark.parametrize(
    ("printed", "found"),
    [("Version: v2.10.0\nCommit: 1", "2.10.0"), ("no number", "unknown")],
)
def test_a_version_is_the_first_number_with_two_dots(printed: str, found: str) -> None:
    assert find_version(printed) == found
