"""`drivers.installation`: what the `install` table of a driver leads to."""

from __future__ import annotations

import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from drivers.installation import (
    MissingError,
    cargo_project,
    driver_names,
    install_commands,
    install_driver,
    maven_project,
    missing_program,
    write_project,
)


def test_every_folder_with_a_profile_is_a_driver(tmp_path: Path) -> None:
    for name in ("two", "one", "no-driver"):
        (tmp_path / name).mkdir()
    for name in ("two", "one"):
        (tmp_path / name / "client.toml").touch()
    assert driver_names(tmp_path) == ["one", "two"]
    assert "tus-js-client" in driver_names()


def test_each_package_client_has_its_own_commands() -> None:
    packages = {"pip": ["a==1"], "npm": ["b@2"], "maven": ["c:d:3"], "cargo": [], "go": ["e@v4"]}
    commands = install_commands(packages, Path("home"))
    assert [words[0] for words in commands[1:]] == [
        *("home/venv/bin/python", "npm", "mvn", "javac", "cargo", "go", "go", "go", "go"),
    ]
    assert ["go", "get", "e@v4"] in commands
    assert commands[1][-1] == "a==1"
    assert commands[2][-1] == "b@2"
    assert install_commands({}, Path("home")) == []


def test_a_project_has_the_packages_as_dependencies() -> None:
    project = ET.fromstring(maven_project(["group:name:1.0", "other:thing:2"]))
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    found = [[part.text for part in each] for each in project.iterfind(".//m:dependency", space)]
    assert found == [["group", "name", "1.0"], ["other", "thing", "2"]]


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    assert missing_program({"programs": ["sh", "no-such-one"]}) == "no-such-one is not installed"
    assert missing_program({"pip": ["a"]}) == ""
    (tmp_path / "client.toml").write_text('[install]\nprograms = ["no-such-one"]', "utf-8")
    with pytest.raises(MissingError, match="no-such-one is not installed"):
        install_driver(tmp_path, tmp_path / "home")


def test_a_manifest_has_the_lines_as_dependencies() -> None:
    manifest = tomllib.loads(cargo_project(['a = "=1"', 'b = { version = "2" }']))
    assert manifest["dependencies"] == {"a": "=1", "b": {"version": "2"}}
    assert manifest["bin"] == [{"name": "drive", "path": "drive.rs"}]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("maven", {"pom.xml", "Drive.java"}),
        ("cargo", {"Cargo.toml", "drive.rs"}),
        ("go", {"main.go"}),
        ("pip", set()),
    ],
)
def test_what_is_compiled_is_copied_next_to_its_project(
    kind: str, written: set[str], tmp_path: Path
) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    for folder in (source, home):
        folder.mkdir()
    for name in ("Drive.java", "drive.rs", "main.go", "drive.py"):
        (source / name).touch()
    write_project({kind: []}, source, home)
    assert {path.name for path in home.iterdir()} == written
