"""What is wrong with a TOML document, in words: which key, what it must be, what is allowed."""

from __future__ import annotations

import re

_MISMATCH = re.compile(r"^Expected `([^`]+)`, got `([^`]+)`(?: - at `\$\.?([^`]*)`)?$")
_PLACE = re.compile(r"^(.*?)(?: - at `\$\.?([^`]*)`)?$", re.S)
_MISSING = re.compile(r"missing required field `([^`]+)`")
_TYPES = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "a string",
}


def explain_mismatch(message: str) -> str:
    """Return a sentence for a message of msgspec, such as "`rule[1].chance` must be a number"."""
    mismatch = _MISMATCH.match(message)
    if mismatch is not None:
        wanted = " or ".join(_TYPES.get(name, name) for name in mismatch[1].split(" | "))
        got = _TYPES.get(mismatch[2], mismatch[2])
        place = name_place(mismatch[3] or "")
        return f"{f'`{place}`' if place else 'it'} must be {wanted}, not {got}."
    found = _PLACE.match(message)
    text, place = (found[1], name_place(found[2] or "")) if found else (message, "")
    missing = _MISSING.search(text)
    if missing is not None:
        text = f"The key `{missing[1]}` is missing"
    where = f"in `{place}`: " if place else ""
    return f"{where}{text.rstrip('.')}."


def name_place(path: str) -> str:
    """Return the place of a value for readers, who count the members of a list from 1."""
    return re.sub(r"\[(\d+)\]", lambda found: f"[{int(found[1]) + 1}]", path)
