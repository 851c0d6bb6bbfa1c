"""`clients.client_profile`: facts about a client, and the mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tus_conformance.clients.client_profile import ClientProfileError, read_client_profile

DRIVERS = Path(__file__).parents[2] / "drivers"


def test_every_fact_is_read(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text(
        'name = "mine"\nversion = "2"\nrun = "go {endpoint} {file}"\nresends = true\n'
        'time_limit = 30\noptions = ["--fast"]\nenvironment = { A = "b" }\n'
        '[[exclude]]\nsituation = "parallel*"\nreason = "Later."\n',
        "utf-8",
    )
    profile = read_client_profile(file)
    assert (profile.name, profile.version, profile.run) == ("mine", "2", "go {endpoint} {file}")
    assert (profile.resends, profile.time_limit, profile.options) == (True, 30.0, ("--fast",))
    assert profile.environment == {"A": "b"}
    assert [(each.situation, each.reason) for each in profile.exclude] == [("parallel*", "Later.")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"name = ", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'colour = "red"', "colour"),
        (b'resends = "yes"', "resends"),
        (b'[[exclude]]\nsituation = "a"', "reason"),
    ],
)
def test_a_mistake_is_named(text: bytes, wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_bytes(text)
    with pytest.raises(ClientProfileError, match=wrong):
        read_client_profile(file)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClientProfileError, match="cannot be read: No such file"):
        read_client_profile(tmp_path / "none.toml")


@pytest.mark.parametrize("file", sorted(DRIVERS.glob("*/client.toml")), ids=lambda f: f.parent.name)
def test_every_driver_has_a_profile_and_fits_on_a_page(file: Path) -> None:
    profile = read_client_profile(file)
    assert profile.name
    assert profile.version
    for sign in ("{endpoint}", "{file}", "{options}"):
        assert sign in profile.run
    sources = [each for each in file.parent.iterdir() if each.suffix != ".toml"]
    assert all(len(each.read_text("utf-8").splitlines()) <= 60 for each in sources)
