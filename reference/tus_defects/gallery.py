"""The gallery: every defect and quirk, from the rules in TOML and the functions beside them."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from importlib.resources import files

import msgspec

from tus_defects.offers import Offer
from tus_defects.rule import QuirkRule, Rule, RuleFile, Settings
from tus_defects.variant import REGISTERED, Change, Variant, change_by_rule
from tus_reference.handler import Config
from tus_reference.model import ConfigError

DEFECTS = (
    *("versions", "discovery", "method_override", "head", "patch", "body", "interruption"),
    "http_messages",
    *("concurrency", "creation", "length", "creation_with_upload", "metadata", "deferred_length"),
    *("expiration", "checksum", "checksum_trailer", "termination", "partial", "concatenation"),
    *(
        "final",
        "upload_kinds",
        "ways",
        "histories",
        "connections",
        "crowds",
        "sizes",
        "values",
        "cors",
    ),
)
"""The files of defects, in the order of the specification; those for combinations come last."""

QUIRKS = ("response_variants", "choices", "offers", "framing", "liberties", "cors")
"""The files of quirks."""


@cache
def defects() -> dict[str, Variant]:
    """Return every defect by its id, in the order of the specification."""
    return {each.id: each for name in DEFECTS for each in _read("broken", name)}


@cache
def quirks() -> dict[str, Variant]:
    """Return every quirk by its id."""
    return {each.id: each for name in QUIRKS for each in _read("unusual", name)}


def changes(variant: Variant | None, base: Variant | None = None) -> tuple[Change, ...]:
    """Return the changes of a server with a variant, the innermost first.

    A variant comes with the quirk that it is on, or with the quirk `base` in place of that.
    """
    found: list[Change] = []
    while variant is not None:
        found.insert(0, variant.change)
        variant, base = base or (quirks()[variant.on] if variant.on else None), None
    return tuple(found)


def select_changes(defect_id: str | None, quirk_id: str | None) -> tuple[Change, ...]:
    """Return the changes for the ids on a command line; raise `ConfigError` for unknown ids."""
    quirk = None if quirk_id is None else _find(quirks(), quirk_id, "quirk")
    if defect_id is None:
        return changes(quirk)
    return changes(_find(defects(), defect_id, "defect"), quirk)


def _find(known: Mapping[str, Variant], identifier: str, what: str) -> Variant:
    if identifier in known:
        return known[identifier]
    near = difflib.get_close_matches(identifier, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(f"Unknown {what} {identifier!r}.{hint} List all of them with --{what} list.")


def format_list(known: Mapping[str, Variant]) -> str:
    """Return every id with its sentence, a line each, those that clients meet with a mark."""
    lines = [f"{' *'[each.client]} {each.id}: {each.sentence}\n" for each in known.values()]
    return "".join(lines) + "\n* a correct client meets it without sending anything wrong\n"


def _read(folder: str, name: str) -> Iterator[Variant]:
    path = files("tus_defects").joinpath(folder, f"{name}.toml")
    if path.is_file():
        yield from _variants(read_rules(path.read_text("utf-8")))
    if files("tus_defects").joinpath(folder, f"{name}.py").is_file():
        module = f"tus_defects.{folder}.{name}"
        import_module(module)
        yield from REGISTERED[module]


def read_rules(text: str) -> RuleFile:
    """Return the rules of a TOML text; raise `msgspec.ValidationError` for what is no rule."""
    return msgspec.convert(tomllib.loads(text), RuleFile)


def _variants(rules: RuleFile) -> Iterator[Variant]:
    for client, defects_ in ((True, rules.client_defect), (False, rules.defect)):
        for breaks, named in defects_.items():
            for id_, rule in named.items():
                yield Variant(id_, rule.sentence, _change(rule), breaks, rule.on, client)
    for client, quirks_ in ((True, rules.client_quirk), (False, rules.quirk)):
        for id_, quirk in quirks_.items():
            change = _change(quirk)
            yield Variant(id_, quirk.sentence, change, "", quirk.on, client, quirk.requires)


def _change(rule: Rule) -> Change:
    if isinstance(rule, QuirkRule) and rule.offers is not None:
        offer = Offer(frozenset(rule.offers))
        return Change(act=offer.respond, configure=offer.configure)
    configured = rule.settings != Settings()
    configure = partial(_configure, rule.settings) if configured else None
    return change_by_rule(rule.match, rule.edit, configure)


def _configure(settings: Settings, config: Config) -> Config:
    """Return the settings of a server with some overridden."""
    if settings.disable_locker:
        composer = replace(config.composer, locker=None)
        config = replace(config, store_composer=composer, data_store=None)
    if settings.max_size is not None:
        config = replace(config, max_size=settings.max_size)
    return replace(config, disable_download=config.disable_download or settings.disable_download)
