"""`handler.config`: settings that cannot work are rejected with a sentence."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tus_reference import Config, ConfigError, MemoryStore, StoreComposer

STORE = MemoryStore()


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({}, ["Set exactly one", "has no core"]),
        ({"data_store": STORE, "store_composer": StoreComposer(core=STORE)}, ["Set exactly one"]),
        ({"data_store": STORE, "max_size": -1}, ["max_size must be"]),
        ({"data_store": STORE, "network_timeout": 0.0}, ["network_timeout must be"]),
        ({"data_store": STORE, "idle_timeout": -1.0, "max_size": -1}, ["max_size", "idle_timeout"]),
        ({"data_store": STORE, "base_path": "/a b/"}, ["base_path must be"]),
        ({"data_store": STORE, "base_path": "ftp://x/"}, ["base_path must be"]),
        ({"data_store": STORE, "base_path": "/a?b"}, ["base_path must be"]),
        ({"data_store": STORE, "expire_after": -1.0}, ["expire_after must be"]),
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
def test_the_base_path_is_normalized(given: str, settled: str) -> None:
    assert Config(data_store=STORE, base_path=given).validate().base_path == settled


def test_every_field_is_documented() -> None:
    tree = ast.parse(Path(inspect.getfile(Config)).read_text())
    (config,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Config")
    documented = {
        field.target.id
        for field, following in pairwise(config.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(following, ast.Expr)
    }
    assert documented == {field.name for field in fields(Config)}
