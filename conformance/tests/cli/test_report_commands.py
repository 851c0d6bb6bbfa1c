"""`cli`: `report` and `compare`, which view they make of which records, and their errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tus_conformance.cli.main import main
from tus_conformance.cli.report_command import BADGE_VIEWS, RECORD_VIEWS, REPORT_FORMATS
from tus_reports import (
    Counts,
    Footer,
    Header,
    RecordWriter,
    RequirementResult,
    ScenarioResult,
    Verdict,
)

BEGINS = {
    "text": "tus-conformance",
    "html": "<!doctype html>",
    "junit": "<?xml",
    "markdown": "## ",
    "json": "{",
    "har": "{",
    "annotations": "",
    "issue": "no requirement is violated.",
    "badge": "<svg",
    "badge-json": "{",
}


def record(folder: Path, outcome: Verdict = "pass", *, whole: bool = True) -> str:
    """Write a record of one scenario and return its path."""
    folder.mkdir(parents=True)
    path = folder / "run.ndjson"
    with RecordWriter(path) as writer:
        writer.write(
            Header(
                format=1,
                suite_version="1.0",
                target="http://127.0.0.1:1080/files/",
                seed=7,
                arguments=(),
                spec_edition="tus 1.0.0 (2016-03-25)",
                started_at="2026-01-02T03:04:05+00:00",
            )
        )
        writer.write(
            ScenarioResult(
                id="core.head", title="HEAD", verdict=outcome, section="Core/HEAD", extension="core"
            )
        )
        writer.write(
            RequirementResult(
                id="core.head.upload-offset",
                level="MUST",
                section="Core/HEAD",
                extension="core",
                statement="HEAD has Upload-Offset.",
                verdict=outcome,
                scenarios=("core.head",),
            )
        )
        if whole:
            counts = Counts(scenarios={outcome: 1}, requirements={outcome: 1})
            writer.write(Footer(counts=counts, exit_code=0))
    return str(path)


def test_every_format_on_the_command_line_has_a_view() -> None:
    """None can be asked for that nobody renders."""
    assert set(REPORT_FORMATS) == set(RECORD_VIEWS) | set(BADGE_VIEWS) == set(BEGINS)


@pytest.mark.parametrize("kind", REPORT_FORMATS)
def test_a_record_is_shown_in_each_format(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard output, and the same in a file."""
    path = record(tmp_path / "here")
    assert main(["report", path, "--format", kind]) == 0
    shown = capsys.readouterr().out
    assert shown.lower().startswith(BEGINS[kind])
    out = tmp_path / "out"
    assert main(["report", path, "--format", kind, "--out", str(out)]) == 0
    assert out.read_text("utf-8").strip() == shown.strip()


def test_several_records_make_a_matrix_named_by_their_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server goes by the folder that its record lies in."""
    paths = [record(tmp_path / name) for name in ("alpha", "beta")]
    assert main(["report", *paths, "--format", "markdown"]) == 0
    shown = capsys.readouterr().out
    assert "alpha" in shown
    assert "beta" in shown


def test_each_violated_requirement_has_a_file_where_a_folder_is_given(tmp_path: Path) -> None:
    sample = Path(__file__).parents[3] / "reports/tests/records/format-2.ndjson"
    assert main(["report", str(sample), "--format", "issue", "--out", str(tmp_path)]) == 0
    texts = [path.read_text("utf-8") for path in tmp_path.glob("*.md")]
    assert texts
    assert all("## Reproduction" in text for text in texts)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("pass", "fail", 1), ("fail", "pass", 0), ("pass", "pass", 0)],
    ids=["a regression", "a repair", "no change"],
)
def test_compare_exits_by_what_changed(
    before: Verdict, after: Verdict, code: int, tmp_path: Path
) -> None:
    """Only what has become worse counts."""
    old, new = record(tmp_path / "old", before), record(tmp_path / "new", after)
    assert main(["compare", old, new]) == code


def test_compare_shows_how_stable_many_runs_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three records are runs of one thing."""
    outcomes: tuple[Verdict, ...] = ("pass", "fail", "pass")
    paths = [record(tmp_path / str(at), outcome) for at, outcome in enumerate(outcomes)]
    assert main(["compare", *paths]) == 0
    assert "core.head" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "{missing}"], "cannot be read"),
        (["report", "{empty}"], "empty"),
        (["report", "{one}", "{two}", "--format", "har"], "one record for --format har"),
        (["report", "{one}", "--format", "badge", "--extension", "nosuch"], "nosuch"),
        (["report", "{one}", "--out", "{missing}/out"], "cannot be written"),
        (["report", "{one}", "--spec-text", "{two}"], "--format html"),
        (["report", "{one}", "--brief"], "--format html"),
        (["report", "{one}", "--only", "core.head"], "--format issue"),
        (["report", "{one}", "--format", "issue", "--only", "nosuch"], "matches nosuch"),
        (["report", "{one}", "--format", "html", "--spec-text", "{missing}"], "cannot be read"),
        (["compare", "{one}"], "two records"),
        (["compare", "{one}", "{cut}"], "footer"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and nothing on standard output."""
    (tmp_path / "empty").write_text("")
    known = {
        "{missing}": str(tmp_path / "missing"),
        "{missing}/out": str(tmp_path / "missing" / "out"),
        "{empty}": str(tmp_path / "empty"),
        "{one}": record(tmp_path / "one"),
        "{two}": record(tmp_path / "two"),
        "{cut}": record(tmp_path / "cut", whole=False),
    }
    assert main([known.get(word, word) for word in words]) == 2
    said = capsys.readouterr()
    assert (said.out, says in said.err) == ("", True), said.err


def test_the_matrix_links_to_the_report_next_to_each_record(tmp_path: Path) -> None:
    """Seen from where the matrix is written; without such a report there is no link."""
    one, two = record(tmp_path / "a b"), record(tmp_path / "two")
    (tmp_path / "a b" / "index.html").write_text("a report")
    out = tmp_path / "pages" / "matrix.html"
    out.parent.mkdir()
    assert main(["report", one, two, "--format", "html", "--out", str(out)]) == 0
    page = out.read_text("utf-8")
    assert '<a href="../a%20b/index.html">a b</a>' in page
    assert 'href="../a%20b/index.html#r:core.head.upload-offset"' in page
    assert "two/index.html" not in page


def test_a_packed_record_goes_by_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it would unpacked."""
    plain = Path(record(tmp_path / "alpha"))
    packed = tmp_path / "beta" / "run.ndjson.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert main(["report", str(plain), str(packed), "--format", "markdown"]) == 0
    assert "| Extension | alpha | beta |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "begins"), [("text", "0 scenarios"), ("markdown", "**0"), ("html", "<!doctype html>")]
)
def test_stability_is_shown_in_each_format(
    kind: str, begins: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three records of one thing, as text, as Markdown and as a page."""
    paths = [record(tmp_path / name) for name in ("1", "2", "3")]
    assert main(["compare", *paths, "--format", kind]) == 0
    assert capsys.readouterr().out.lstrip().startswith(begins)


def test_a_record_that_was_cut_short_is_shown_and_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there can be read, and nobody takes it for the whole."""
    assert main(["report", record(tmp_path / "cut", whole=False)]) == 0
    assert "no footer" in capsys.readouterr().err


def test_the_sentences_of_the_specification_are_shown_where_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report has them only then, since the repository does not."""
    text = tmp_path / "spec.md"
    text.write_text("## Core Protocol\n\n#### HEAD\n\nA hedgehog MUST curl up.\n")
    path = record(tmp_path / "one")
    assert main(["report", path, "--format", "html", "--spec-text", str(text)]) == 0
    assert "hedgehog" in capsys.readouterr().out
