"""`load.mix`: a mix is read from TOML, and what is wrong with it is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from tus_conformance.load import mix_schema
from tus_conformance.load.mix import Mix, MixError, find_mistake, read_mix

WRONG = {
    "user = 1": "`user` is not a key.",
    "[tasks]\nuplod = 3": "`uplod` in `tasks` is not a key. Did you mean `upload`?",
    "[[sizes]]\nsmallest = 1": "The key `largest` is missing",
    "[[sizes]]\nsmallest = 2\nlargest = 1": "in `sizes[1]`, `smallest` is more than `largest`",
    "[pause]\nshortest = 2": "in `pause`, `shortest` is more than `longest`",
    "[cuts]\nshare = 2": "`cuts.share`",
    "verify = 'all'": "`verify` must be a number, not a string",
    "sizes = []": "`sizes` needs at least one range",
    "[tasks]\nupload=0\nupload_at_creation=0\nparallel=0\nabandon=0": "nothing would be uploaded",
    "verify = ": "is not TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mix.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(MixError) as raised:
        read_mix(file)
    assert WRONG[text] in str(raised.value)
    assert "mix.toml" in str(raised.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MixError, match="cannot be read: No such file"):
        read_mix(tmp_path / "none.toml")


def test_what_is_not_given_is_the_usual_mix(tmp_path: Path) -> None:
    file = tmp_path / "mix.toml"
    file.write_text("keep = 3\n[tasks]\ndownload = 0\n", "utf-8")
    found = read_mix(file)
    assert (found.keep, found.tasks.download, found.tasks.upload) == (3, 0, 68)
    assert found.sizes == Mix().sizes


def test_the_usual_mix_has_no_mistake_and_survives_json() -> None:
    assert find_mistake(Mix()) == ""
    assert msgspec.json.decode(msgspec.json.encode(Mix()), type=Mix) == Mix()


def test_the_schema_has_not_drifted() -> None:
    assert mix_schema.SCHEMA_PATH.read_text("utf-8") == mix_schema.schema_text(), (
        "run: python -m tus_conformance.load.mix_schema"
    )


def test_the_schema_takes_a_mix_and_refuses_a_wrong_one() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(mix_schema.schema_text()))
    validator.validate({"cuts": {"share": 0.5}, "sizes": [{"smallest": 1, "largest": 2}]})
    for wrong in ({"cuts": {"share": 2}}, {"user": 1}, {"sizes": [{"smallest": 1}]}):
        assert not validator.is_valid(wrong)
