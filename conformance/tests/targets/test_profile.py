"""`targets.profile`: what a profile may contain, and a sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tus_conformance.targets.profile import Exclusion, Profile, ProfileError, read_profile

KNOWN = ", ".join(Profile.__struct_fields__)


def written(folder: Path, text: str) -> Path:
    """Write a profile."""
    path = folder / "profile.toml"
    path.write_bytes(text.encode("latin-1"))
    return path


def test_a_profile_is_read_whole(tmp_path: Path) -> None:
    text = """
        metadata = "k dg=="
        timeout = 3
        network_timeout = 2.5
        secret_headers = ["X-Key"]
        headers = { X-Key = "abc" }
        [[exclude]]
        scenario = "core.*"
        reason = "known"
    """
    profile = read_profile(written(tmp_path, text))
    assert profile == Profile(
        metadata="k dg==",
        timeout=3.0,
        network_timeout=2.5,
        secret_headers=("X-Key",),
        headers={"X-Key": "abc"},
        exclude=(Exclusion(scenario="core.*", reason="known"),),
    )
    assert profile.has("network-timeout")
    assert profile.seconds("network-timeout") == 2.5


def test_an_empty_profile_knows_nothing(tmp_path: Path) -> None:
    profile = read_profile(written(tmp_path, ""))
    assert profile == Profile()
    assert not profile.has("network-timeout")


MISTAKES: list[tuple[str, str, str]] = [
    (
        '# ours\nmetdata = "x"\n',
        f", line 2, has the unknown key `metdata`. Did you mean `metadata`? Known keys: {KNOWN}.",
        "a typo, with its line",
    ),
    (
        "frobnicate = 1\n",
        f", line 1, has the unknown key `frobnicate`. Known keys: {KNOWN}.",
        "a key that is like no other",
    ),
    (
        '\n[[exclude]]\nscenarios = "x"\nreason = "y"\n',
        ", line 3, has the unknown key `scenarios` in `exclude`. Did you mean `scenario`?"
        " Known keys: scenario, reason.",
        "a typo in a table",
    ),
    (
        "timeout = 1\n[header]\nX = '1'\n",
        f", line 2, has the unknown key `header`. Did you mean `headers`? Known keys: {KNOWN}.",
        "a typo in the name of a table",
    ),
    (
        "metadata = 'a'\ntimeout = 'soon'\n",
        ", line 2, is wrong: `timeout` must be a number or nothing, not a string.",
        "a text where a number belongs",
    ),
    (
        "[headers]\nX = 1\n",
        ", line 1, is wrong: `headers[...]` must be a string, not a whole number.",
        "a number where a text belongs",
    ),
    (
        "timeout = 0\n",
        ", line 1, is wrong: `timeout` must be a number of seconds above 0, got 0.",
        "no time",
    ),
    (
        "network_timeout = -1\n",
        ", line 1, is wrong: `network_timeout` must be a number of seconds above 0, got -1.",
        "less than no time",
    ),
    (
        "origin = 'app.example.com'\n",
        ", line 1, is wrong: 'app.example.com' is not an origin: write it as"
        " https://uploads.example.com.",
        "an origin without a scheme",
    ),
    (
        "[headers]\n'X Y' = 'a'\n",
        ", line 1, is wrong: 'X Y' is not a valid header name.",
        "a header name with a space",
    ),
    (
        '[headers]\nX = "a\\r\\nY: b"\n',
        ", line 1, is wrong: the value of X contains a line break.",
        "a header value with a line break",
    ),
    (
        '[[exclude]]\nscenario = "x"\n',
        ", line 1, is wrong: in `exclude[1]`: The key `reason` is missing.",
        "an exclusion without a reason",
    ),
    ("timeout = \n", " is not TOML: Invalid value (at line 1, column 11).", "no TOML"),
    ("# caf\xe9\n", " is not UTF-8 text.", "no UTF-8"),
]


@pytest.mark.parametrize(
    ("text", "sentence"), [pytest.param(*case[:2], id=case[2]) for case in MISTAKES]
)
def test_profile_error_names_the_value(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ProfileError) as raised:
        read_profile(path)
    assert str(raised.value) == f"The profile {path}{sentence}"


def test_missing_profile_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read: No such file or directory"):
        read_profile(tmp_path / "none.toml")
    with pytest.raises(ProfileError, match="cannot be read: Is a directory"):
        read_profile(tmp_path)
