"""`Mutant`: a module with one small thing changed."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

_TYPE_ONLY_NAMES = {"cast", "isinstance", "len", "TypeVar", "TYPE_CHECKING"}
"""Calls and names of which the arguments are for the type checker, or never matter."""

_HEADER = re.compile(r'"[A-Z][a-z]+"|"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)+"')
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Mutant:
    """A module with something changed; `number` counts the mutants of the module from 1.

    To write one out takes longer than to think of it, so that `render` does it when it is tried.
    """

    module: str
    path: Path
    number: int
    render: Callable[[], str]

    @classmethod
    def read_unmodified(cls, module: str) -> Mutant:
        """Return the module as it is, to be tried like a mutant."""
        path = path_of(module)
        return cls(module, path, 0, lambda: path.read_text("utf-8"))

    @property
    def name(self) -> str:
        """Return the name by which it can be asked for again."""
        return f"{self.module}#{self.number}"

    def diff(self) -> str:
        """Return what is changed, with the line above and the line below."""
        before, after = self.path.read_text("utf-8").splitlines(), self.render().splitlines()
        shown = difflib.unified_diff(before, after, lineterm="", n=1)
        return "\n".join(line for line in shown if not line.startswith(("---", "+++")))


def path_of(module: str) -> Path:
    """Return the file of a module, without importing any of its packages."""
    package, *inside = module.split(".")
    spec = find_spec(package)
    assert spec is not None, f"there is no package {package}"
    assert spec.origin is not None, f"{package} has no file"
    return Path(spec.origin).parent.joinpath(*inside).with_suffix(".py")


def mutants_of(module: str, *, texts: bool = True) -> list[Mutant]:
    """Return every mutant of a module; without `texts`, none that only says or writes otherwise.

    That is a sentence with other words, and the name of a header in other letter case.
    """
    path = path_of(module)
    changed = _mutations(path.read_text("utf-8"), texts=texts)
    return [Mutant(module, path, number, render) for number, render in enumerate(changed, 1)]


def sample(mutants: Sequence[Mutant], share: float, seed: int) -> list[Mutant]:
    """Return a share of the mutants, the same for the same seed, in their order."""
    wanted = round(len(mutants) * share)
    chosen = random.Random(seed).sample(range(len(mutants)), wanted)  # noqa: S311 - no secret
    return [mutants[at] for at in sorted(chosen)]


def _mutations(source: str, *, texts: bool) -> Iterator[Callable[[], str]]:
    module = cst.parse_module(source)
    for node in _mutation_sites(module):
        for kind, operator in mutation_operators:
            others = operator(node) if isinstance(node, kind) else ()
            for other in others:
                if texts or not _is_text_only(node, other):
                    yield partial(_mutated_source, module, node, other)


def _mutated_source(module: cst.Module, node: cst.CSTNode, other: cst.CSTNode) -> str:
    changed = module.deep_replace(node, other)
    assert isinstance(changed, cst.Module)
    return changed.code


def _is_text_only(node: cst.CSTNode, other: cst.CSTNode) -> bool:
    """Return whether a change is one of words, or of the letter case of a header's name."""
    if not (isinstance(node, cst.SimpleString) and isinstance(other, cst.SimpleString)):
        return False
    same = node.value.lower() == other.value.lower()
    return " " in node.value.strip() or (same and _HEADER.fullmatch(node.value) is not None)


def _mutation_sites(module: cst.Module) -> Iterator[cst.CSTNode]:
    """Yield what can be changed: all within functions, and the constants of a module."""
    for statement in module.body:
        if isinstance(statement, cst.FunctionDef):
            yield from _expressions_in(statement)
        elif isinstance(statement, cst.ClassDef):
            for inner in statement.body.body:
                if isinstance(inner, cst.FunctionDef):
                    yield from _expressions_in(inner)
        elif isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                if _is_constant_assignment(small):
                    yield from _expressions_in(small)


def _is_constant_assignment(statement: cst.BaseSmallStatement) -> bool:
    if isinstance(statement, cst.Assign):
        target = statement.targets[0].target
    elif isinstance(statement, cst.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return False
    return isinstance(target, cst.Name) and _CONSTANT.fullmatch(target.value) is not None


def _expressions_in(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Annotation | cst.Decorator):
        return
    if isinstance(node, cst.Call):
        called = node.func
        if isinstance(called, cst.Name) and called.value in _TYPE_ONLY_NAMES:
            return
    yield node
    for child in node.children:
        yield from _expressions_in(child)
