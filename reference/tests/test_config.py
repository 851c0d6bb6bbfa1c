"""The settings: what cannot work is refused with a sentence, and the size of the whole."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from typing import Any

import pytest

import tus_reference
from tus_reference import Config, ConfigError, MemoryStore, StoreComposer

STORE = MemoryStore()


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({}, ["Give exactly one", "has no core"]),
        ({"data_store": STORE, "store_composer": StoreComposer(core=STORE)}, ["Give exactly one"]),
        ({"data_store": STORE, "max_size": -1}, ["max_size is"]),
        ({"data_store": STORE, "network_timeout": 0.0}, ["network_timeout is"]),
        ({"data_store": STORE, "idle_timeout": -1.0, "max_size": -1}, ["max_size", "idle_timeout"]),
        ({"data_store": STORE, "base_path": "/a b/"}, ["base_path is"]),
        ({"data_store": STORE, "base_path": "ftp://x/"}, ["base_path is"]),
        ({"data_store": STORE, "base_path": "/a?b"}, ["base_path is"]),
        ({"data_store": STORE, "expire_after": -1.0}, ["expire_after is"]),
        ({"store_composer": StoreComposer(core=STORE), "expire_after": 1.0}, ["needs a store"]),
    ],
)
def test_each_mistake_has_its_sentence(settings: dict[str, Any], sentences: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        Config(**settings).validate()
    lines = str(refused.value).splitlines()
    assert len(lines) == len(sentences)
    assert all(start in line for start, line in zip(sentences, lines, strict=True))


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ("/files/", "/files/"),
        ("files", "/files/"),
        ("", "/"),
        ("/a/b", "/a/b/"),
        ("https://cdn.test/files", "https://cdn.test/files/"),
    ],
)
def test_the_base_path_is_settled(given: str, settled: str) -> None:
    assert Config(data_store=STORE, base_path=given).validate().base_path == settled


def lines_of_code(source: str) -> int:
    """Count the lines that hold code: neither blank, nor comment, nor docstring."""
    lines: set[int] = set()
    passive = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER, tokenize.ENCODING,
    }  # fmt: skip
    for token in tokenize.tokenize(io.BytesIO(source.encode()).readline):
        if token.type not in passive:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                lines.difference_update(range(first.lineno, (first.end_lineno or 0) + 1))
    return len(lines)


def test_lines_are_counted_as_stated() -> None:
    passive = '"""Docs\n\nmore."""\n\n# comment\n'
    active = 'x = """\ntext\n"""\n\ndef f():\n    """Docs."""\n    g(\n        x,\n    )\n'
    assert (lines_of_code(passive), lines_of_code(active)) == (0, 7)


def test_protocol_handler_and_file_store_can_be_read_in_an_evening() -> None:
    root = Path(tus_reference.__file__).parent
    files = [*root.glob("protocol/*.py"), *root.glob("handler/*.py")]
    files += [root / "stores" / name for name in ("file.py", "record.py", "copying.py")]
    assert len(files) > 20
    count = sum(lines_of_code(file.read_text()) for file in files)
    assert 1000 < count <= 1800, count


@pytest.mark.parametrize("file", sorted(Path(tus_reference.__file__).parent.rglob("*.py")), ids=str)
def test_modules_and_functions_fit_in_the_eye(file: Path) -> None:
    source = file.read_text()
    assert len(source.splitlines()) <= 600
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name
