"""Selecting a defect and a quirk by their ids, for the command line of the server."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from tus_defects.gallery import changes, defects, quirks
from tus_reference.handler import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tus_defects.change import Change, Defect, Quirk

Known = TypeVar("Known")


def select_changes(defect_id: str | None, quirk_id: str | None) -> tuple[Change, ...]:
    """Return the changes of a server with a defect, a quirk or both, the innermost first.

    A defect that shows only on a server with a certain quirk comes with that quirk, unless another
    one is given. Raises `ConfigError` for unknown ids.
    """
    defect = None if defect_id is None else _find(defects(), defect_id, "defect")
    quirk = None if quirk_id is None else _find(quirks(), quirk_id, "quirk")
    return changes(defect, quirk)


def _find(known: Mapping[str, Known], identifier: str, what: str) -> Known:
    if identifier in known:
        return known[identifier]
    near = difflib.get_close_matches(identifier, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(f"Unknown {what} {identifier!r}.{hint} List all of them with --{what} list.")


def format_list(known: Mapping[str, Defect] | Mapping[str, Quirk]) -> str:
    """Return every id with its sentence, a line each, those that clients meet with a mark."""
    lines = [
        f"{'*' if each.client else ' '} {each.id}: {each.sentence}\n" for each in known.values()
    ]
    return "".join(lines) + "\n* a correct client meets it without sending anything wrong\n"
