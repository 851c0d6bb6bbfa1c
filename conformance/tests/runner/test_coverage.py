"""`runner.coverage`: every observable requirement is checked, and every check names one.

That no row changes its level is seen to where the ledger is tested, by a digest of all of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tus_conformance.cli.coverage_command import coverage_table
from tus_conformance.cli.main import main
from tus_conformance.clients.client_checks import client_checks
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.coverage import compute_coverage
from tus_scenarios import Scenario, ledger, scenarios
from tus_scenarios.spec_sentences import compare_sentences, find_sentences, read_recorded_sentences

ONE = "core.patch.zero-length"
OWN = {"http", "cors"}
"""The requirements that other specifications make: HTTP and Fetch."""


def test_every_observable_requirement_is_exercised() -> None:
    covered = compute_coverage(ledger(), scenarios(), invariants())
    assert [each.requirement.id for each in covered.missing] == []
    assert covered.unknown_requirements == ()
    assert covered.complete
    # Those of the specification, of which 164 can be observed on servers, and our own.
    of_specification = [x for x in covered.observable if x.requirement.id.split(".")[0] not in OWN]
    assert len(of_specification) == 164


def without(row: str) -> list[Scenario]:
    """Return the scenarios as if none checked a row."""
    return [
        replace(each, requirements=tuple(name for name in each.requirements if name != row))
        for each in scenarios()
    ]


def test_a_requirement_that_nothing_checks_is_a_gap() -> None:
    covered = compute_coverage(ledger(), without(ONE), invariants())
    assert [each.requirement.id for each in covered.missing] == [ONE]
    assert not covered.complete
    lines = coverage_table(covered).splitlines()
    assert any(line.startswith(ONE) and line.endswith("NONE") for line in lines)
    count = len(covered.observable)
    assert lines[-1].startswith(f"{count - 1} of {count} observable rows are exercised: 99 %")


def test_the_rows_of_clients_are_counted_beside_those_of_servers() -> None:
    covered = compute_coverage(ledger(), scenarios(), invariants(), client_checks())
    assert covered.complete
    of_clients = [each for each in covered.requirements if each.requirement.side == "client"]
    assert len(of_clients) == 67
    hidden = [each.requirement for each in of_clients if each.state == "unobservable"]
    assert [row.id for row in hidden] == ["client.core.net.techniques"]
    assert hidden[0].why_not
    lines = coverage_table(covered).splitlines()
    assert "clients: 66 of 66 observable rows are exercised; 1 cannot be observed" in lines
    assert any(line.startswith("servers: ") for line in lines)


def test_a_row_of_clients_that_nothing_checks_is_a_gap() -> None:
    row = "client.core.net.timeout-close"
    checks = [each for each in client_checks() if each[0] != row]
    covered = compute_coverage(ledger(), scenarios(), invariants(), checks)
    assert [each.requirement.id for each in covered.missing] == [row]
    assert "clients: 65 of 66 observable rows" in coverage_table(covered)


def test_an_invariant_counts_as_a_check() -> None:
    row = "core.tus-resumable.response-value"
    covered = compute_coverage(ledger(), without(row), invariants())
    assert covered.complete
    checking = next(each for each in covered.requirements if each.requirement.id == row).scenarios
    assert checking == ("always.tus-resumable-value",)


def test_a_check_that_names_no_requirement_is_reported() -> None:
    rows = {name: row for name, row in ledger().items() if name != ONE}
    covered = compute_coverage(rows, scenarios(), invariants())
    assert {row for row, _ in covered.unknown_requirements} == {ONE}
    assert not covered.complete
    assert "which is not in the ledger" in coverage_table(covered)


def test_the_table_ends_with_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    total = re.match(r"(\d+) of (\d+) observable rows are exercised: 100 %, by ", lines[-1])
    assert total is not None
    of_specification = [row for row in ledger().values() if row.id.split(".")[0] not in OWN]
    assert total[1] == total[2]
    assert 230 <= int(total[1]) <= len(ledger())
    assert len(of_specification) >= 230
    for row in ledger().values():
        line = next((line for line in lines if line.startswith(f"{row.id} ")), "")
        assert row.level in line
        if row.side == "server" and row.observable == "no":
            assert line.endswith(row.why_not)


def test_a_text_that_disagrees_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "spec.md"
    other.write_text("## Core Protocol\n\nEverybody MUST be kind.\n", "utf-8")
    assert main(["coverage", "--spec-text", str(other)]) == 1
    shown = capsys.readouterr().out
    assert "changed: Core Protocol 1: Everybody MUST be kind." in shown
    assert "gone: Core Protocol/Headers/Upload-Offset 1 (rows: core.upload-offset.format" in shown


def test_sentences_that_agree_are_counted() -> None:
    covered = compute_coverage(ledger(), scenarios(), invariants())
    kept = read_recorded_sentences()
    assert "127 sentences with a keyword" in coverage_table(
        covered, compare_sentences(kept, kept, ledger())
    )
    assert find_sentences("no headings, so nothing MUST be read") == ()


def test_a_text_that_is_not_there_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coverage", "--spec-text", str(tmp_path / "none.md")]) == 2
    assert "cannot be read: No such file or directory." in capsys.readouterr().err
