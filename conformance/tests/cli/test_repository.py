"""`README.md`: what the first page says about the repository is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_ci_runs_the_command_that_the_readme_gives_for_the_tests() -> None:
    """What a newcomer types and what CI checks are one line."""
    commands = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci/run").read_text("utf-8").splitlines()


def test_the_modules_that_the_architecture_names_are_there() -> None:
    """A page that shows the house shows no room that has gone."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    engine = text[text.index("### tus_conformance") : text.index("### tus_reports")]
    package = ROOT / "conformance/tus_conformance"
    known = {path.stem for path in package.rglob("*.py")} | {
        path.name for path in package.iterdir() if path.is_dir()
    }
    rows = [line for line in engine.splitlines() if line.startswith("| ") and "`" in line]
    cells = [cell for line in rows for cell in line.split("|")[1:3]]
    named = {name for cell in cells for name in re.findall(r"`([a-z_0-9]+)`", cell)}
    assert named - known == set()
    assert len(named) > 30


def test_the_page_about_pytest_has_every_option_of_the_plugin() -> None:
    """An option that no page names is not used."""
    plugin = (ROOT / "conformance/tus_conformance/pytest_plugin").glob("*.py")
    options = {
        option
        for path in plugin
        for option in re.findall(r'"(--tus-[a-z-]+)"', path.read_text("utf-8"))
    }
    page = (ROOT / "docs/pytest.md").read_text("utf-8")
    assert set(re.findall(r"--tus-[a-z-]+", page)) == options


MAX_MODULE_LINES = 600


def test_no_module_is_long() -> None:
    """Two nouns are two modules; ruff has no rule for the length of one."""
    rooms = ("conformance", "reference", "reports", "scenarios")
    paths = [ROOT / "noxfile.py", *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in paths}
    assert [path for path, count in counts.items() if count > MAX_MODULE_LINES] == []


SAME_MEANING = {
    "Grade",  # the reports know no scenarios
    "HeaderPairs",
    "Respond",
    "Result",  # a type variable
}
"""Names of one thing that two modules define."""


def test_a_class_has_a_name_of_its_own() -> None:
    """A reader who searches for a name finds one thing."""
    packages = [
        *("reference/tus_reference", "reference/tus_defects", "conformance/tus_conformance"),
        *("scenarios/tus_scenarios", "reports/tus_reports"),
    ]
    places: dict[str, list[str]] = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            names = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
            names += [
                target.id
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z]\w*[a-z]\w*", target.id)
            ]
            for name in names:
                places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(set(found)) > 1}
    assert {name: found for name, found in twice.items() if name not in SAME_MEANING} == {}
