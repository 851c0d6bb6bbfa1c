"""`cli.explain_command`: situations, and the requirements of clients, as prose."""

from __future__ import annotations

import pytest

from tus_conformance.cli.main import main
from tus_scenarios.situation_registry import situations


def explain(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `explain` prints."""
    assert main(["explain", name]) == 0
    return capsys.readouterr().out


def test_a_situation_is_explained_from_the_file_to_its_outcomes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = explain("head.false-offset/beyond", capsys)
    assert text.startswith("head.false-offset/beyond\n  After a cut PATCH")
    assert "  1. The client uploads a file of 1048576 bytes." in text
    assert "  2. The first PATCH has its connection reset after 40% of its body" in text
    assert "which is untrue" in text
    assert "pass: The client reports an error. No such offset can be right." in text
    assert "Other outcomes" in text
    assert "warn: The client says that the upload succeeded, and bytes are missing." in text
    assert "client.core.head-before-resume" in text
    assert "tus-conformance clients --run COMMAND --only 'head.false-offset/beyond'" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_family_of_situations_names_its_variants(capsys: pytest.CaptureFixture[str]) -> None:
    text = explain("lost.last-patch", capsys)
    assert "Variants\n  rst, fin" in text


def test_every_situation_can_be_explained_within_the_width(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for each in situations()[::7]:
        text = explain(each.id, capsys)
        assert text.startswith(f"{each.id}\n  ")
        links = [line for line in text.splitlines() if "http" in line or "--only" in line]
        assert all(len(line) <= 80 for line in text.splitlines() if line not in links), each.id


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("client.core.patch.offset-matches", "  store.half-once\n"),
        ("client.core.patch.content-type", "  rule on every request\n"),
        ("client.core.net.techniques", "none: it cannot be observed from outside"),
    ],
)
def test_a_requirement_of_clients_names_what_checks_it(
    row: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown in explain(row, capsys)


def test_an_unknown_situation_is_refused_with_the_nearest_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "lost.last-pach"]) == 2
    assert "lost.last-patch" in capsys.readouterr().err
