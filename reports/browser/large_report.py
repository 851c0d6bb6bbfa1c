"""A record of ten thousand scenarios: what its views cost, and whether its page stays usable.

`python -m browser.large_report [RECORD]`, in `reports`, repeats the scenarios of a record, or of
a made-up one, prints what rendering takes, and opens the page in Chromium.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from browser.chromium import launch_chromium
from tus_reports import (
    FORMAT,
    Attempt,
    Check,
    ConnectionEvent,
    Counts,
    Exchange,
    Footer,
    Header,
    Record,
    RecordedBody,
    RecordedResponse,
    RecordLine,
    RecordWriter,
    RequirementResult,
    ScenarioResult,
    Verdict,
    read,
)
from tus_reports.totals import count_verdicts

KINDS = ("html", "text", "markdown", "junit", "json", "har")
FAILURE_COUNT = 50  # one in so many of the made-up scenarios fails


def main() -> None:
    """Write the great record, render it in every format, and measure the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", nargs="?", type=Path)
    parser.add_argument("--scenarios", type=int, default=10_000)
    options = parser.parse_args()
    source = read(options.record) if options.record else make_record()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ndjson"
        write(enlarge_record(source, options.scenarios), path)
        print(f"record: {options.scenarios} scenarios, {file_size(path)}")
        for kind in KINDS:
            measure_render(path, kind, path.with_name(f"run.{kind}"))
        measure_page(path.with_name("run.html"))


def enlarge_record(source: Record, count: int) -> Record:
    """Repeat the scenarios of a record until there are so many, each with an id of its own."""
    told = source.scenarios
    many = tuple(
        msgspec.structs.replace(
            told[number % len(told)], id=f"{told[number % len(told)].id}#{number // len(told)}"
        )
        for number in range(count)
    )
    rows = tuple(
        msgspec.structs.replace(row, scenarios=tuple(f"{name}#0" for name in row.scenarios))
        for row in source.requirements
    )
    counts = Counts(scenarios=count_verdicts(many), requirements=count_verdicts(rows))
    footer = Footer(counts=counts, exit_code=int("fail" in counts.scenarios))
    return Record(source.header, source.discovery, many, rows, footer)


def make_record() -> Record:
    """Make a record of passes and a few fails, each of five exchanges."""
    head = "PATCH /files/24e533e0 HTTP/1.1\r\nHost: 127.0.0.1:1080\r\nUpload-Offset: 0\r\n\r\n"
    reply = RecordedResponse(
        status=204,
        head="HTTP/1.1 204 No Content\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 10\r\n\r\n",
        headers=(("Tus-Resumable", "1.0.0"), ("Upload-Offset", "10")),
    )
    exchange = Exchange(
        method="PATCH",
        url="http://127.0.0.1:1080/files/24e533e0",
        at=1.0,
        request_head=head,
        body=RecordedBody(size=10, text="0123456789"),
        response=reply,
        events=(
            ConnectionEvent(at=0.001, event="connect", text="127.0.0.1:1080"),
            ConnectionEvent(at=0.002, event="sent", size=len(head), text="head"),
            ConnectionEvent(at=0.004, event="received", size=90, text="204 No Content"),
        ),
    )
    rows, scenarios = [], []
    for number in range(FAILURE_COUNT):
        fails = number == 0
        check = Check(
            requirement=f"core.row-{number}",
            outcome="violated" if fails else "held",
            grade="fail" if fails else "pass",
            expected="status 409" if fails else "",
            actual="status 204" if fails else "",
            step=2,
            exchange=4,
        )
        verdict: Verdict = "fail" if fails else "pass"
        attempt = Attempt(verdict=verdict, checks=(check,), exchanges=(exchange,) * 5, duration=0.1)
        known: dict[str, Any] = {"section": f"Core/{number % 5}", "extension": "core"}
        scenarios.append(
            ScenarioResult(
                id=f"core.scenario-{number}",
                title="A PATCH at the wrong offset is refused and changes nothing",
                verdict=verdict,
                steps=("Given an upload of 10 bytes.", "PATCH it.", "  expects status 409."),
                requirements=(check.requirement,),
                attempts=(attempt,) * (2 if fails else 1),
                command=f"tus-conformance run --target URL --only core.scenario-{number}",
                **known,
            )
        )
        rows.append(
            RequirementResult(
                id=check.requirement,
                level="MUST",
                statement="A PATCH at the wrong offset is refused.",
                verdict=verdict,
                scenarios=(scenarios[-1].id,),
                **known,
            )
        )
    header = Header(
        format=FORMAT,
        suite_version="0",
        target="http://127.0.0.1:1080/files/",
        seed=1,
        arguments=(),
        spec_edition="tus 1.0.0 (2016-03-25)",
        started_at="2016-11-17T10:00:00+00:00",
    )
    return Record(header, None, tuple(scenarios), tuple(rows), None)


def write(record: Record, path: Path) -> None:
    """Write a record's lines."""
    assert record.footer is not None
    lines: list[RecordLine] = [
        record.header,
        *record.scenarios,
        *record.requirements,
        record.footer,
    ]
    with RecordWriter(path) as writer:
        for line in lines:
            writer.write(line)


def measure_render(path: Path, kind: str, out: Path) -> None:
    """Render a view in a process of its own; print its seconds, its memory and its size."""
    words = [sys.executable, "-m", "tus_conformance", "report", str(path)]
    began = time.monotonic()
    subprocess.run([*words, "--format", kind, "--out", str(out)], check=True)
    seconds = time.monotonic() - began
    # The peak of all children so far: the page comes first, since it takes the most of them.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{kind}: {seconds:.1f} s, at most {peak} MiB, {file_size(out)}")


def file_size(path: Path) -> str:
    """Return a file's size."""
    return f"{path.stat().st_size / 1e6:.1f} MB"


def measure_page(page_path: Path) -> None:
    """Open the page, and print how long it takes to paint, to filter and to open a scenario."""
    with launch_chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_path.as_uri())
        painted = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        print(f"browser: first paint after {painted:.0f} ms, loaded after {loaded:.0f} ms")
        print(f"browser: {page.evaluate('document.querySelectorAll(`*`).length')} elements")
        for what, change in PAGE_ACTIONS.items():
            taken = page.evaluate(f"() => {{ const act = () => {{ {change} }}; {WAIT_FOR_PAINT} }}")
            print(f"browser: {what} {taken:.0f} ms, {page.inner_text('output') or 'all shown'}")


PAGE_ACTIONS = {
    "choosing a verdict": "document.querySelector('[name=verdict]').click()",
    "a word in the search": "const q = document.querySelector('[name=q]'); q.value = 'offset';"
    " q.dispatchEvent(new Event('input', {bubbles: true}))",
    "showing all again": "document.querySelector('form.filters').reset()",
    "opening a scenario": "document.querySelector('.story summary').click()",
}
WAIT_FOR_PAINT = (
    "const began = performance.now(); act();"
    " return new Promise((done) => setTimeout(() => requestAnimationFrame(() =>"
    " setTimeout(() => done(performance.now() - began)))));"
)

if __name__ == "__main__":
    main()
