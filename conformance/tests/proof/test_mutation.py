"""`proof.mutation`: mutants are small changes, the same in each run, tried in processes."""

from __future__ import annotations

import ast
import importlib
import sys
import time
from pathlib import Path

import pytest

from proof.mutation.engine_mutants import EVALUATION_TESTS, TRANSPORT_TESTS
from proof.mutation.mutant import Mutant, mutants_of, path_of, sample
from proof.mutation.mutant_run import run_mutant
from proof.mutation.score import Score, summary_sentence, survivor_report
from proof.mutation.server_mutants import modules

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

SOURCE = """\
BOUND = 3

def larger(number: int) -> str:
    \"\"\"Tell whether a number is large.\"\"\"
    return "it is large" if number > BOUND else "Small-Number"
"""


@pytest.fixture(name="module")
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module that nobody has imported, and return its name."""
    package = tmp_path / "victims"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "victim.py").write_text(SOURCE, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "victims.victim"


def changes(module: str, *, texts: bool = True) -> set[str]:
    """Return the lines that the mutants of a module have instead."""
    lines = [mutant.diff().splitlines() for mutant in mutants_of(module, texts=texts)]
    return {line[1:].strip() for diff in lines for line in diff if line.startswith("+")}


def test_a_mutant_changes_a_constant_or_what_a_function_does(module: str) -> None:
    found = changes(module)
    assert {"BOUND = 4", "BOUND = None"} <= found
    assert 'return "it is large" if number >= BOUND else "Small-Number"' in found
    assert 'return "it is large" if number > BOUND else "small-number"' in found
    assert 'return "XXit is largeXX" if number > BOUND else "Small-Number"' in found


def test_without_texts_words_stay_and_so_do_the_letters_of_headers(module: str) -> None:
    left = changes(module) - changes(module, texts=False)
    assert left == {
        'return "XXit is largeXX" if number > BOUND else "Small-Number"',
        'return "IT IS LARGE" if number > BOUND else "Small-Number"',
        'return "it is large" if number > BOUND else "small-number"',
        'return "it is large" if number > BOUND else "SMALL-NUMBER"',
    }


def test_mutants_are_python_and_numbered_alike_each_time() -> None:
    found, again = (mutants_of("tus_scenarios.requirement") for _ in range(2))
    assert len(found) > 20
    assert [mutant.number for mutant in found] == [*range(1, len(found) + 1)]
    for mutant, same in list(zip(found, again, strict=True))[::5]:
        ast.parse(mutant.render())
        assert mutant.diff().count("@@ -") == 1, mutant.name
        assert mutant.diff() == same.diff()


def test_a_sample_is_a_share_by_its_seed_in_order(module: str) -> None:
    every = mutants_of(module)
    half = sample(every, 0.5, 1)
    assert len(half) == round(len(every) / 2)
    assert half == sample(every, 0.5, 1) == sorted(half, key=lambda mutant: mutant.number)
    assert half != sample(every, 0.5, 2)
    assert sample(every, 1.0, 3) == every


def run_source(module: str, source: str, seconds: float = 60) -> tuple[str, str]:
    """Try a source in place of the module; who notices it asks for a number that is large."""

    def check_mutant() -> tuple[bool, str]:
        said = importlib.import_module(module).larger(4)
        return said != "it is large", f"it says {said}"

    return run_mutant(
        Mutant(module, path_of(module), 1, lambda: source), check_mutant, seconds=seconds
    )


@pytest.mark.parametrize(
    ("old", "new", "outcome", "how"),
    [
        ("", "", "survived", "it says it is large"),
        ("BOUND = 3", "BOUND = 2", "survived", "it says it is large"),
        ("BOUND = 3", "BOUND = 4", "killed", "it says Small-Number"),
        ("BOUND = 3", "BOUND = None", "killed", "TypeError"),
        ("BOUND = 3", "BOUND = missing", "killed", "NameError"),
        ("BOUND = 3", "import os; os._exit(0)", "killed", "the process ended"),
    ],
)
def test_a_mutant_replaces_its_module_in_a_process_of_its_own(
    module: str, old: str, new: str, outcome: str, how: str
) -> None:
    came, by = run_source(module, SOURCE.replace(old, new, 1))
    assert came == outcome
    assert by.startswith(how)
    assert module not in sys.modules


def test_a_mutant_that_hangs_is_given_up(module: str) -> None:
    began = time.monotonic()
    assert run_source(module, "while True: pass", seconds=0.5)[0] == "timeout"
    assert time.monotonic() - began < 30


def test_a_module_that_was_there_before_is_no_place_for_a_mutant() -> None:
    mutant = Mutant.read_unmodified("proof.mutation.mutant")
    with pytest.raises(RuntimeError, match=r"^proof\.mutation\.mutant was imported before"):
        run_mutant(mutant, lambda: (False, ""), seconds=60)


def test_the_report_has_a_line_for_a_module_and_what_each_survivor_changes(module: str) -> None:
    first, second, third, *_ = every = mutants_of(module)
    score = Score(module, total=len(every))
    score.add(first, "killed", "a test")
    score.add(second, "survived", "a note")
    score.add(third, "timeout", "")
    assert score.summary_line().split() == [
        *("2", "of", "3", f"{module},"),
        *("a", "sample", "of", f"{len(every)},", "1", "of", "them", "hang"),
    ]
    assert survivor_report([score]) == f"\n{second.name} a note\n{second.diff()}"
    assert summary_sentence([score], 7) == (
        f"\n2 of 3 mutants were killed, a sample of {len(every)}, by seed 7."
    )


def test_what_is_tried_is_there() -> None:
    for module, files in (EVALUATION_TESTS | TRANSPORT_TESTS).items():
        assert path_of(module).is_file(), module
        for file in files:
            assert Path(__file__).parents[3].joinpath(file).exists(), file
    wire = path_of("tus_conformance.transport.http1_transport").parent
    named = {f"tus_conformance.transport.{path.stem}" for path in wire.glob("*.py")}
    assert set(TRANSPORT_TESTS) == named - {"tus_conformance.transport.__init__", *EVALUATION_TESTS}
    assert {"tus_reference.protocol.integers", "tus_reference.handler.spool"} <= {*modules()}
    assert modules(("*.spool",)) == ["tus_reference.handler.spool"]
