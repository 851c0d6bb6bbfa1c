"""Defects and quirks on the command line: their package is loaded only when a flag names one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import trio

    from tus_defects import Change
    from tus_reference.handler import Config
    from tus_reference.middleware import Layer

    Listener = trio.abc.Listener[trio.abc.Stream]


def list_defects_or_quirks(options: argparse.Namespace) -> str:
    """Return the list of defects or quirks for `--defect list` or `--quirk list`, else nothing."""
    if "list" not in {options.defect, options.quirk}:
        return ""
    from tus_defects import defects, quirks
    from tus_defects.gallery import format_list

    return format_list(defects() if options.defect == "list" else quirks())


def _select(options: argparse.Namespace) -> tuple[Change, ...]:
    if options.defect is None and options.quirk is None:
        return ()
    from tus_defects.gallery import select_changes

    return select_changes(options.defect, options.quirk)


def change_config(options: argparse.Namespace, config: Config) -> Config:
    """Return the settings with the defect or quirk; raise `ConfigError` for an unknown id."""
    if not (selected := _select(options)):
        return config
    from tus_defects.service import configure

    return configure(config, selected)


def new_layers(options: argparse.Namespace, config: Config, cors: Layer | None) -> list[Layer]:
    """Return the layers of the defect or quirk around that of CORS, the outermost first."""
    if not (selected := _select(options)):
        return [] if cors is None else [cors]
    from tus_defects.service import layers

    return layers(config, selected, cors)


def wrap_listeners(
    options: argparse.Namespace, config: Config, listeners: Sequence[Listener]
) -> Sequence[Listener]:
    """Return the listeners, whose connections the defect or quirk may wrap."""
    if not (selected := _select(options)):
        return listeners
    from tus_defects.service import ChangedListener

    return [ChangedListener(each, config, selected) for each in listeners]
