"""The gallery: every defect and quirk, from the rules in TOML and the functions beside them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from tus_defects.change import Change, Defect, Quirk, change_by_rule
from tus_defects.offers import Offer
from tus_defects.registry import REGISTERED
from tus_defects.rule import RuleFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tus_defects.rule import QuirkRule, Rule, Settings
    from tus_reference.handler import Config

DEFECTS = (
    *("versions", "discovery", "method_override", "head", "patch", "body", "interruption"),
    *("concurrency", "creation", "length", "creation_with_upload", "metadata", "deferred_length"),
    *("expiration", "checksum", "checksum_trailer", "termination", "partial", "concatenation"),
    "final",
)
"""The files of defects, in the order of the specification."""

QUIRKS = ("responses", "choices", "offers", "streams")
"""The files of quirks."""


@cache
def defects() -> dict[str, Defect]:
    """Return every defect by its id, in the order of the specification."""
    found = [each for name in DEFECTS for each in _read("broken", name)]
    return {each.id: each for each in found if isinstance(each, Defect)}


@cache
def quirks() -> dict[str, Quirk]:
    """Return every quirk by its id."""
    found = [each for name in QUIRKS for each in _read("unusual", name)]
    return {each.id: each for each in found if isinstance(each, Quirk)}


def changes(defect: Defect | None = None, quirk: Quirk | None = None) -> tuple[Change, ...]:
    """Return the changes of a server with a defect, a quirk or both, the innermost first."""
    found = [] if defect is None else [defect.change]
    if quirk is None and defect is not None and defect.on:
        quirk = quirks()[defect.on]
    while quirk is not None:
        found.insert(0, quirk.change)
        quirk = quirks()[quirk.on] if quirk.on else None
    return tuple(found)


def _read(folder: str, name: str) -> Iterator[Defect | Quirk]:
    path = files("tus_defects").joinpath(folder, f"{name}.toml")
    if path.is_file():
        rules = read_rules(path.read_text("utf-8"))
        for breaks, defects in rules.defect.items():
            yield from (_defect_by_rule(id_, breaks, rule) for id_, rule in defects.items())
        yield from (_quirk_by_rule(id_, rule) for id_, rule in rules.quirk.items())
    if files("tus_defects").joinpath(folder, f"{name}.py").is_file():
        module = f"tus_defects.{folder}.{name}"
        import_module(module)
        yield from REGISTERED[module]


def read_rules(text: str) -> RuleFile:
    """Return the rules of a TOML text; raise `msgspec.ValidationError` for what is no rule."""
    return msgspec.convert(tomllib.loads(text), RuleFile)


def _defect_by_rule(id_: str, breaks: str, rule: Rule) -> Defect:
    change = change_by_rule(rule.match, rule.edit, _configure(rule.settings))
    return Defect(id_, rule.sentence, breaks, change, rule.on, rule.client)


def _quirk_by_rule(id_: str, rule: QuirkRule) -> Quirk:
    change = change_by_rule(rule.match, rule.edit, _configure(rule.settings))
    if rule.offers is not None:
        offer = Offer(frozenset(rule.offers))
        change = Change(act=offer.respond, configure=offer.configure)
    return Quirk(id_, rule.sentence, change, rule.on, rule.client, rule.requires)


class _Configure:
    """Overrides settings of a server."""

    def __init__(self, settings: Settings) -> None:
        changed = msgspec.to_builtins(settings, builtin_types=())
        self._changed = {name.replace("-", "_"): v for name, v in changed.items() if v is not None}

    def __call__(self, config: Config) -> Config:
        changed = dict(self._changed)
        if changed.pop("disable_locker", None):
            composer = replace(config.composer, locker=None)
            config = replace(config, store_composer=composer, data_store=None)
        return replace(config, **changed)


def _configure(settings: Settings) -> _Configure | None:
    return None if settings == type(settings)() else _Configure(settings)
