"""`client_outcomes`: what came of clients in situations, counted and compared."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import msgspec
import pytest

from tus_reports import (
    MatrixServer,
    Record,
    TerminalView,
    html,
    matrix_html,
    matrix_markdown,
    render_terminal,
)
from tus_reports.client_outcomes import compare_outcomes, count_outcomes, outcome_sentence
from tus_reports.matrix import MixedSidesError
from tus_reports.record import (
    Attempt,
    Check,
    ClientOutcome,
    Grade,
    RequirementResult,
    ScenarioResult,
)
from tus_reports.totals import conclusion_sentence


def situation(name: str, outcome: ClientOutcome | None, grade: Grade = "pass") -> ScenarioResult:
    """Return a situation with an outcome, and a rule on every request that was broken."""
    checks = (
        Check(requirement="r", outcome="held", grade=grade, rule="expectation"),
        Check(requirement="r", outcome="violated", grade="fail", rule="invariant"),
    )
    attempt = Attempt(verdict="fail", checks=checks)
    return ScenarioResult(
        id=name,
        title=f"Title of {name}",
        section="Core Protocol",
        extension="core",
        verdict="not-applicable" if outcome is None else "fail",
        reason=f"It was {outcome}.",
        attempts=() if outcome is None else (attempt,),
        outcome=outcome,
    )


def client_record(sample: Record, *scenarios: ScenarioResult, target: str = "a") -> Record:
    header = msgspec.structs.replace(
        sample.header, side="client", target=target, server_name="", server_version=""
    )
    return replace(sample, header=header, scenarios=scenarios)


def test_outcomes_are_counted_in_their_order(sample: Record) -> None:
    scenarios = [situation("a", "lied"), situation("b", "whole"), situation("c", "whole")]
    assert list(count_outcomes(scenarios).items()) == [("whole", 2), ("lied", 1)]
    record = client_record(sample, *scenarios, situation("d", None))
    assert outcome_sentence(record) == "2 whole, 1 lied, 1 without one"


def test_a_run_against_a_server_has_no_outcomes(sample: Record) -> None:
    assert outcome_sentence(sample) == ""


def test_a_cell_weighs_the_outcome_alone(sample: Record) -> None:
    one = client_record(sample, situation("a", "whole"), situation("b/c,d", "lied", "warn"))
    two = client_record(sample, situation("a", "whole"))
    first, second = compare_outcomes([(one, "one.html"), (two, "")])
    assert [cell.verdict for cell in first.cells] == ["pass", "pass"]
    assert not first.differs
    assert [(cell.outcome, cell.verdict) for cell in second.cells] == [("lied", "warn"), ("", None)]
    assert second.differs
    assert second.cells[0].link == "one.html#s:b/c%2Cd"


def test_the_matrix_of_clients_has_their_situations(sample: Record) -> None:
    servers = [
        MatrixServer("one", client_record(sample, situation("a", "lied", "fail"))),
        MatrixServer("two", client_record(sample, situation("a", None))),
    ]
    page = matrix_html(servers)
    assert "2 clients compared" in page
    assert "By situation" in page
    assert "| `a` | ✗ lied, 0 | n/a |" in matrix_markdown(servers)


def test_the_matrix_of_servers_has_none(sample: Record) -> None:
    servers = [MatrixServer("one", sample), MatrixServer("two", sample)]
    assert "By situation" not in matrix_html(servers)
    assert "| Situation |" not in matrix_markdown(servers)


def test_servers_and_clients_are_not_mixed(sample: Record) -> None:
    client = client_record(sample, situation("a", "whole"))
    with pytest.raises(MixedSidesError, match="compare one kind"):
        matrix_html([MatrixServer("one", sample), MatrixServer("two", client)])


def test_the_terminal_speaks_of_a_client(sample: Record) -> None:
    record = client_record(sample, situation("a", "lied"), target="small 1.0")
    stream = StringIO()
    view = TerminalView(stream, width=80, colour=False)
    assert record.discovery is not None
    assert record.footer is not None
    view.add_line(record.header)
    view.add_line(record.discovery)
    view.add_line(record.scenarios[0])
    view.add_line(record.footer)
    shown = stream.getvalue()
    assert "client       small 1.0" in shown
    assert "none listed" not in shown
    assert "outcomes     1 lied" in shown
    assert "The client is" in conclusion_sentence(record)


def record_with_a_finding(sample: Record) -> Record:
    of_client = client_record(sample, situation("a", "lied"))
    requirement = RequirementResult(
        id="r",
        level="MUST",
        section="Core Protocol",
        extension="core",
        statement="It is so.",
        verdict="fail",
        scenarios=("a",),
    )
    return replace(of_client, requirements=(requirement,))


def test_a_finding_about_a_client_names_its_situation(sample: Record) -> None:
    text = render_terminal(record_with_a_finding(sample))
    assert "  situation  Title of a" in text
    assert "  scenario " not in text


def test_the_page_of_a_client_speaks_of_situations(sample: Record) -> None:
    page = html(record_with_a_finding(sample))
    assert "<dt>situation</dt>" in page
    assert "<dt>scenario</dt>" not in page
    assert '<a href="#scenarios">Situations</a>' in page
    assert '<a href="#scenarios">Scenarios</a>' in html(sample)
