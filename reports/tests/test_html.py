"""`html`: complete in one file, every link leads somewhere, no text becomes markup."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from tus_reports import (
    DuplicateServerError,
    MatrixServer,
    MixedEditionsError,
    Record,
    RecordedBody,
    RecordedResponse,
    RequirementResult,
    ScenarioResult,
    compare,
    comparison_html,
    html,
    matrix_html,
    matrix_markdown,
    read,
)
from tus_reports.curl_script import curl_script
from tus_reports.findings import SERIOUS
from tus_reports.html import MAX_PAGE_SIZE, MAX_WITH_EXCHANGES
from tus_reports.matrix import build_matrix
from tus_reports.requirement_summary import summarize_requirements
from tus_reports.totals import whole_totals
from tus_reports.transcript import describe_body, format_exchange
from tus_reports.verdict_style import VERDICT_STYLES

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \" ' {{ 7*7 }} \x1b[2J"
VOID_ELEMENTS = {"meta", "br", "input", "img", "link", "hr"}


class ParsedPage(HTMLParser):
    """What of a page the tests ask after: its elements, and whether they are nested rightly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"nothing is open for </{tag}>"
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, attribute: str) -> list[str]:
        """Return the values of an attribute, wherever it stands."""
        return [value for _, known in self.elements if (value := known.get(attribute)) is not None]

    @property
    def text(self) -> str:
        """Return the text, with space as one space."""
        return " ".join(" ".join(self.words).split())


def render_pages(record: Record) -> dict[str, str]:
    """Make every page there is."""
    old = replace(record, requirements=record.requirements[2:], scenarios=record.scenarios[1:])
    servers = [MatrixServer("one", record, "one.html"), MatrixServer("two", old)]
    return {
        "report": html(record),
        "matrix": matrix_html(servers),
        "comparison": comparison_html(compare(old, record)),
    }


PAGE_NAMES = ["report", "matrix", "comparison"]


def test_the_matrix_has_a_total_of_each_server(sample: Record) -> None:
    """Totals are those of the report, in the last row, with the name of the server on a phone."""
    page = render_pages(sample)["matrix"]
    row = page[page.index('<th scope="row">total</th>') : page.index('id="rows-title"')]
    assert row.count("<td") == 2
    assert 'data-server="one"' in row
    assert whole_totals(sample).sentence in row


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_a_page_is_whole(name: str, sample: Record) -> None:
    """A page is nested rightly, loads nothing, and has no id twice."""
    document = ParsedPage(render_pages(sample)[name])
    tags = Counter(tag for tag, _ in document.elements)
    assert not tags.keys() & {"link", "img", "iframe", "object", "base"}
    assert document.all("src") == []
    ids = document.all("id")
    assert [each for each, count in Counter(ids).items() if count > 1] == []
    assert tags["h1"] == tags["main"] == tags["title"] == 1


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_links_lead_somewhere(name: str, sample: Record) -> None:
    """A link within the page leads to an element of it; all others go to the specification."""
    document = ParsedPage(render_pages(sample)[name])
    ids = set(document.all("id"))
    for href in document.all("href"):
        if href.startswith("#"):
            assert unquote(href[1:]) in ids, f"{href} leads nowhere"
        else:
            assert href.startswith(("https://tus.io/", "one.html"))


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_text_stays_text(name: str, sample: Record) -> None:
    """Nothing that a server or a profile says becomes an element, an attribute or a template."""
    first = sample.scenarios[1]
    check = msgspec.structs.replace(
        first.attempts[0].checks[0], expected=HOSTILE, actual=HOSTILE, explanation=HOSTILE
    )
    scenario_of = msgspec.structs.replace(first.attempts[0], checks=(check,), reason=HOSTILE)
    scenario = msgspec.structs.replace(
        first, title=HOSTILE, reason=HOSTILE, steps=(HOSTILE,), attempts=(scenario_of,)
    )
    row = msgspec.structs.replace(sample.requirements[0], reason=HOSTILE)
    header = msgspec.structs.replace(sample.header, target=HOSTILE, arguments=(HOSTILE,))
    hostile = replace(
        sample,
        header=header,
        scenarios=(scenario, *sample.scenarios[2:]),
        requirements=(row, *sample.requirements[1:]),
    )
    page = render_pages(hostile)[name]
    calm = ParsedPage(render_pages(sample)[name])
    document = ParsedPage(page)
    assert all("onerror" not in known for _, known in document.elements)
    kinds = Counter(tag for tag, _ in document.elements)
    assert kinds["script"] == Counter(tag for tag, _ in calm.elements)["script"]
    assert "\x1b" not in page
    assert "{{ 7*7 }}" in document.text


def test_the_report_shows_everything(sample: Record) -> None:
    """Every scenario and every requirement is an item of its own, with its verdict."""
    document = ParsedPage(html(sample))
    items = {
        known["id"]: known["data-verdict"]
        for _, known in document.elements
        if "item" in (known.get("class") or "").split()
    }
    expected = {f"s:{each.id}": each.verdict for each in sample.scenarios}
    expected |= {f"r:{each.id}": each.verdict for each in sample.requirements}
    assert items == expected
    for verdict in VERDICT_STYLES.values():
        assert f"{verdict.glyph} {verdict.word}" in document.text
    for told in (
        "Not conformant: 2 of 10 requirements violated",
        "concatenation yes refused (differs)",
        "suite: cut after 40960 body bytes by RST",
        "> (no Tus-Resumable)",
        "checksum is not advertised, and a probe saw it refused.",
    ):
        assert told in document.text, told


def test_the_text_of_the_specification_is_shown_and_marked(sample: Record) -> None:
    """With the specification's text its sections stand above their requirements."""
    text = "# Core Protocol\n## HEAD\nIt is small. Servers MUST answer. Then {{ 7*7 }} <b>\n"
    page = html(sample, spec_text=text)
    assert "<mark>Servers MUST answer.</mark>" in page
    assert "Then {{ 7*7 }} &lt;b&gt;" in page
    assert "<mark>Servers MUST answer.</mark>" not in html(sample)


def test_the_body_that_came_back_wrong_is_marked(sample: Record) -> None:
    """Where the bytes of an answer are at fault, its body is the marked line, not its status."""
    told = sample.scenarios[3]
    check = told.attempts[0].checks[0]
    spoilt = msgspec.structs.replace(
        check, expected="every byte", actual="byte 7 of the download is not the one sent"
    )
    exchange = told.attempts[0].exchanges[1]
    assert exchange.response is not None
    answer = msgspec.structs.replace(exchange.response, body=RecordedBody(size=9, text="hedgehogs"))
    lines = format_exchange(msgspec.structs.replace(exchange, response=answer), spoilt)
    assert [line.text for line in lines if line.marked] == ['(9 bytes: "hedgehogs")']


@pytest.mark.parametrize(
    ("expected", "actual", "marked"),
    [
        ("Upload-Offset: 40", "status 200, Upload-Offset: 50", ["Upload-Offset: 50"]),
        ("status 409", "status 200", ["HTTP/1.1 200 OK"]),
        (
            "status 204, Upload-Offset: 40",
            "status 200, Upload-Offset: 50",
            ["HTTP/1.1 200 OK", "Upload-Offset: 50"],
        ),
    ],
)
def test_the_status_is_marked_where_it_is_at_fault(
    expected: str, actual: str, marked: list[str], sample: Record
) -> None:
    """And not where a header alone was asked for."""
    told = sample.scenarios[3]
    head = "HTTP/1.1 200 OK\r\nUpload-Offset: 50\r\n"
    check = msgspec.structs.replace(
        told.attempts[0].checks[0], expected=expected, actual=actual, evidence=head
    )
    answer = RecordedResponse(status=200, head=head, headers=(("Upload-Offset", "50"),))
    exchange = msgspec.structs.replace(told.attempts[0].exchanges[1], response=answer)
    assert [line.text for line in format_exchange(exchange, check) if line.marked] == marked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no such upload\n", '15 bytes: "no such upload\\n"'),
        ("\x04\x19j\xe2", "4 bytes: 04 19 6a e2"),
        ("\xe2" * 40, f"40 bytes: {' '.join(['e2'] * 32)} ..."),
        ("", "0 bytes"),
    ],
)
def test_a_body_is_shown_as_what_it_is(text: str, shown: str) -> None:
    """Text as text, and what is none as its first bytes."""
    assert describe_body(RecordedBody(size=len(text), text=text)) == shown


def test_a_requirement_says_what_was_found(sample: Record) -> None:
    """Each that did not simply hold has a sentence, by itself or by the scenarios it follows of."""
    said = summarize_requirements(sample)
    assert said["core.patch.appends"] == ""
    assert said["core.patch.offset-mismatch-409"] == "Expected status 409; got status 204"
    assert said["checksum.mismatch-460"].startswith("checksum is not advertised")
    assert [name for name, text in said.items() if not text] == [
        row.id for row in sample.requirements if row.verdict == "pass"
    ]
    noted = record_with_verdicts(sample, **{"core.patch.appends": "note"})
    like = tuple(
        msgspec.structs.replace(each, verdict="note") if each.id == "core.patch.appends" else each
        for each in sample.scenarios
    )
    of_sum = summarize_requirements(replace(noted, scenarios=like))
    assert of_sum["core.patch.appends"] == "Caused by core.patch.appends."


def test_a_violated_requirement_is_not_explained_by_passing_checks(sample: Record) -> None:
    """The reason that a scenario gives for its pass is none for a fail beside it."""
    passed = msgspec.structs.replace(sample.scenarios[0], reason="Held in 9 exchanges.")
    failed = msgspec.structs.replace(sample.scenarios[0], id="other", verdict="fail", attempts=())
    row = msgspec.structs.replace(
        sample.requirements[1], verdict="fail", scenarios=(passed.id, failed.id)
    )
    said = summarize_requirements(replace(sample, scenarios=(passed, failed), requirements=(row,)))
    assert said == {row.id: "Caused by other."}


def test_a_run_cut_short_has_a_report(sample: Record) -> None:
    """Without requirements and footer, the page says so."""
    document = ParsedPage(html(replace(sample, requirements=(), footer=None, discovery=None)))
    assert "The run was cut short" in document.text


PUBLISHED = sorted(Path(__file__).parents[1].glob("published/*/run.ndjson.gz"))


@pytest.mark.parametrize("path", PUBLISHED, ids=[path.parent.name for path in PUBLISHED])
def test_the_page_of_a_server_is_below_a_megabyte(path: Path) -> None:
    """Real runs fit with all findings, and the steps of sixty scenarios that did not pass."""
    record = read(path)
    page = html(record)
    assert len(page.encode()) < MAX_PAGE_SIZE
    assert page.count("The record has the bytes") == 0
    serious = sum(each.verdict in SERIOUS and bool(each.steps) for each in record.scenarios)
    shown = page.count('<ol class="steps">')
    assert min(serious, 60) <= shown <= serious


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_page_of_a_server_that_fails_everywhere_is_below_a_megabyte(
    attempts: int, sample: Record
) -> None:
    """The first findings keep their bytes, the others name the record, and every id is there."""
    model, row = sample.scenarios[3], sample.requirements[0]
    scenarios, rows = [], []
    for number in range(1000):
        name = f"core.section-{number % 40}.requirement-{number % 200}"
        check = msgspec.structs.replace(
            model.attempts[0].checks[0], requirement=name, actual=f"status {400 + number}"
        )
        attempt = msgspec.structs.replace(model.attempts[0], checks=(check,) * 3)
        scenarios.append(
            msgspec.structs.replace(
                model, id=f"{name}/{number}", attempts=(attempt,) * attempts, steps=model.steps * 4
            )
        )
        if number < 200:
            rows.append(msgspec.structs.replace(row, id=name, verdict="fail", scenarios=()))
    page = html(replace(sample, scenarios=tuple(scenarios), requirements=tuple(rows)))
    assert len(page.encode()) < MAX_PAGE_SIZE
    document = ParsedPage(page)
    assert {f"s:{each.id}" for each in scenarios} <= set(document.all("id"))
    assert "The record has the bytes" in document.text
    assert page.count('class="bytes"') >= 10


def test_a_great_many_scenarios_leave_out_the_bytes_of_passes(sample: Record) -> None:
    """Beyond a limit even a full page has the bytes of the findings only, and says that."""
    passed = sample.scenarios[0]
    with_bytes = msgspec.structs.replace(
        passed,
        attempts=(
            msgspec.structs.replace(
                passed.attempts[0], exchanges=sample.scenarios[3].attempts[0].exchanges
            ),
        ),
    )
    many = tuple(
        msgspec.structs.replace(with_bytes, id=f"many.{number}")
        for number in range(MAX_WITH_EXCHANGES + 1)
    )
    page = html(replace(sample, scenarios=(*many, sample.scenarios[3])), full=True)
    assert "the bytes are those of the findings" in page
    assert page.count('class="passage"') == 0


# The matrix


def record_with_verdicts(record: Record, **verdicts: str) -> Record:
    """Make a run that differs in the verdicts of some requirements; "" leaves one out."""
    changed = tuple(
        msgspec.convert(msgspec.to_builtins(row) | {"verdict": verdicts[row.id]}, RequirementResult)
        if row.id in verdicts
        else row
        for row in record.requirements
        if verdicts.get(row.id) != ""
    )
    return replace(record, requirements=changed)


def test_the_matrix_has_a_cell_for_each(sample: Record) -> None:
    """Each requirement has a cell for each server; one that was not evaluated says so."""
    other = record_with_verdicts(
        sample, **{"core.patch.appends": "fail", "core.head.cache-control": ""}
    )
    found = {
        line.requirement.id: [cell.verdict for cell in line.cells]
        for block in build_matrix([MatrixServer("one", sample), MatrixServer("two", other)])
        for line in block.lines
    }
    assert found.keys() == {row.id for row in sample.requirements}
    assert found["core.patch.appends"] == ["pass", "fail"]
    assert found["core.head.cache-control"] == ["pass", None]
    differing = [name for name, verdicts in found.items() if len(set(verdicts)) > 1]
    assert differing == ["core.head.cache-control", "core.patch.appends"]


def test_a_cell_names_its_finding_and_links_to_it(sample: Record) -> None:
    """A cell that did not pass says what was found, and leads to the evidence."""
    lines = {
        line.requirement.id: line.cells[0]
        for block in build_matrix([MatrixServer("one", sample, "one.html")])
        for line in block.lines
    }
    assert lines["core.patch.offset-mismatch-409"].said == "Expected status 409; got status 204"
    assert lines["checksum.mismatch-460"].said.startswith("checksum is not advertised")
    assert lines["creation.post.body-without-type"].said.startswith("the body of a creation")
    assert lines["core.patch.appends"].said == ""
    assert lines["core.patch.appends"].link == "one.html#r:core.patch.appends"


def test_the_matrix_refuses(sample: Record) -> None:
    """Two servers of one name, and records of different editions, are named errors."""
    with pytest.raises(DuplicateServerError, match="called one"):
        matrix_html([MatrixServer("one", sample), MatrixServer("one", sample)])
    header = msgspec.structs.replace(sample.header, spec_edition="tus 2.0.0")
    with pytest.raises(MixedEditionsError, match="Compare records of one edition"):
        matrix_html(
            [MatrixServer("one", sample), MatrixServer("two", replace(sample, header=header))]
        )


def test_the_matrix_in_markdown(sample: Record, golden: Callable[[str, str], None]) -> None:
    """The Markdown matrix is the stored one."""
    other = record_with_verdicts(sample, **{"core.patch.appends": "fail"})
    golden(
        "matrix.md",
        matrix_markdown([MatrixServer("one", sample, "one.html"), MatrixServer("two|x", other)]),
    )


# The script


def scenario_of(sample: Record, name: str) -> ScenarioResult:
    """Return a scenario of the sample."""
    return next(each for each in sample.scenarios if each.id == name)


def test_the_script_follows_the_upload(sample: Record) -> None:
    """The upload that the script creates is the one it goes on with."""
    told = scenario_of(sample, "core.patch.offset-mismatch/behind")
    lines = curl_script(told.attempts[0].exchanges).splitlines()
    assert lines[1].startswith("UPLOAD_1=$(curl -sS -D - -o /dev/null -X POST ")
    assert lines[-1].endswith(' --data-raw hello "$UPLOAD_1"')
    assert "Content-Length" not in lines[-1]


def test_the_script_says_what_curl_cannot_do(sample: Record) -> None:
    """A cut is a comment, and a generated body is so many zeros."""
    told = curl_script(scenario_of(sample, "core.patch.cut/50%").attempts[0].exchanges)
    assert "# The run injected a fault here: cut after 40960 body bytes by RST." in told
    assert "head -c 40960 /dev/zero | curl " in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to read it with")
def test_the_script_is_one_that_a_shell_reads(sample: Record) -> None:
    """No text breaks out of its quotes: a shell that stands in for curl gets it as one word."""
    exchange = scenario_of(sample, "core.patch.offset-mismatch/behind").attempts[0].exchanges[1]
    nasty = "a'b\"c$(id)`id`\\ d"
    told = msgspec.structs.replace(
        exchange,
        request_head=exchange.request_head.replace("*/*", nasty),
        body=msgspec.structs.replace(exchange.body, text=nasty) if exchange.body else None,
    )
    stand_in = 'curl() { printf "%s\\n" "$@"; }\n'
    done = subprocess.run(
        ["bash", "-c", stand_in + curl_script([told])], capture_output=True, text=True, check=True
    )
    assert f"Accept: {nasty}" in done.stdout.splitlines()
    assert nasty in done.stdout.splitlines()
    assert not re.search(r"uid=", done.stdout)
