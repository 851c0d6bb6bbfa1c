"""`terminal`: complete, in eighty columns, the same live as afterwards, safe to print."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from tus_reports import (
    VERDICTS,
    Capability,
    Detail,
    Record,
    RecordLine,
    ScenarioResult,
    TerminalView,
    finding_text,
    format_leftovers,
    render_terminal,
)
from tus_reports.text_layout import encode_for, heading_row, plain_text, styled_row, wrap_text
from tus_reports.verdict_style import VERDICT_STYLES

Golden = Callable[[str, str], None]


def lines_of(record: Record) -> list[RecordLine]:
    """Return the lines of a record in their order."""
    known = [record.header, record.discovery, *record.scenarios, *record.requirements]
    return [line for line in [*known, record.footer] if line is not None]


def render_lines(
    record: Record, *, width: int = 80, colour: bool = False, encoding: str = "utf-8"
) -> str:
    """Feed a record to a view line by line and return what it printed."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    view = TerminalView(stream, width=width, colour=colour)
    for line in lines_of(record):
        view.add_line(line)
    view.finish()
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(encoding)


def is_command_row(line: str) -> bool:
    """Return whether a row is there to be copied, and may be longer than the page."""
    return "://" in line or "UPLOAD_" in line


@pytest.mark.parametrize("width", [60, 80, 120])
def test_golden(width: int, sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden(
        f"terminal-{width}.txt", render_terminal(sample, width=width, where="reports/run.ndjson")
    )


@pytest.mark.parametrize("detail", ["brief", "full"])
def test_less_and_more_golden(detail: Detail, sample: Record, golden: Golden) -> None:
    """What -q and -v print of the sample run is what is stored."""
    golden(f"terminal-{detail}.txt", render_terminal(sample, detail=detail))


def test_one_scenario_golden(sample: Record, golden: Golden) -> None:
    """What a single scenario has to say, as the pytest plugin prints it, is the stored one."""
    told = [finding_text(scenario) for scenario in sample.scenarios if scenario.verdict != "pass"]
    golden("finding-80.txt", "\n\n=====\n\n".join(told) + "\n")


def test_live_is_the_same_as_afterwards(sample: Record) -> None:
    """A view fed line by line prints what is later made of the stored record."""
    assert render_lines(sample) == render_terminal(sample)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_row_is_wider_than_the_page(width: int, sample: Record) -> None:
    """Rows fit, apart from addresses and commands, which are never broken."""
    text = render_terminal(sample, width=width, detail="full")
    too_wide = [line for line in text.splitlines() if len(line) > width]
    assert [line for line in too_wide if not is_command_row(line)] == []
    assert sample.scenarios[1].command in [
        line.strip() for line in render_terminal(sample).splitlines()
    ]


def test_a_row_for_each_scenario(sample: Record) -> None:
    """Each scenario has exactly one row, with its mark, below the heading of its section."""
    text = render_terminal(sample, width=80, detail="full").split("── Violated")[0]
    rows = [line for line in text.splitlines() if re.match(r"^  \S \S+ +\S", line)]
    assert len(rows) == len(sample.scenarios)
    for scenario, printed in zip(sample.scenarios, rows, strict=True):
        mark = VERDICT_STYLES[scenario.verdict]
        assert printed.startswith(f"  {mark.glyph} {mark.word} ")
        assert scenario.title[:40] in printed


def test_a_section_that_comes_again_has_one_row(sample: Record) -> None:
    """What runs after all others is counted in one row; a long name leaves space for its counts."""
    first = sample.scenarios[0]
    long_name = "RFC 9110, section 15.3.5; RFC 9112, section 6.3"
    sections = ("Core/PATCH", "Core/HEAD", long_name, "Core/PATCH", "Core/HEAD")
    stream = io.StringIO()
    view = TerminalView(stream, width=80, colour=False)
    view.add_line(sample.header)
    for number, section in enumerate(sections):
        view.add_line(msgspec.structs.replace(first, id=f"one.{number}", section=section))
    view.finish()
    shown = stream.getvalue().splitlines()
    assert shown[shown.index("") + 4 :][:5] == [
        "  ✓ Core/PATCH                            1 ok",
        "  ✓ Core/HEAD                             1 ok",
        "  ✓ RFC 9110, section 15.3.5; RFC 9112,   1 ok",
        "    section 6.3",
        "  ✓ More of these sections                2 ok",
    ]


def test_sections_stand_together(sample: Record) -> None:
    """Afterwards a section has one heading, however its scenarios were interleaved."""
    mixed = replace(sample, scenarios=sample.scenarios[::2] + sample.scenarios[1::2])
    lines = render_terminal(mixed, detail="full").splitlines()
    for section in {scenario.section for scenario in sample.scenarios}:
        assert lines.count(section) == 1


def test_no_verdict_is_dropped(sample: Record) -> None:
    """Every scenario and requirement that did not pass is named below the list, or counted."""
    text = render_terminal(sample, detail="full").split("── Violated")[1]
    verdicts = {scenario.id: scenario.verdict for scenario in sample.scenarios}
    verdicts |= {row.id: row.verdict for row in sample.requirements}
    for name, verdict in verdicts.items():
        assert verdict == "pass" or name in text, f"{name} ({verdict}) is not told"
    for verdict in VERDICTS:
        scenarios = sum(each.verdict == verdict for each in sample.scenarios)
        requirements = sum(each.verdict == verdict for each in sample.requirements)
        mark = VERDICT_STYLES[verdict]
        pattern = rf" {scenarios} +{requirements}  {re.escape(mark.glyph)} {mark.word} "
        assert re.search(pattern, text)


def test_a_verdict_without_a_check_is_reported(sample: Record) -> None:
    """A scenario and a requirement that failed without a check to say why are told all the same."""
    bare = ScenarioResult(
        id="odd.one", title="An odd one", verdict="fail", section="Odd", extension="core"
    )
    orphan = msgspec.structs.replace(sample.requirements[0], id="odd.row", scenarios=())
    odd = replace(sample, scenarios=(bare,), requirements=(orphan,))
    text = render_terminal(odd).split("── Violated")[1]
    assert "odd.one" in text
    assert "odd.row" in text


def test_a_verdict_that_is_a_sum_names_its_parts(sample: Record) -> None:
    """A requirement without checks of its own is told to follow from those that it sums up."""
    failed = tuple(each.id for each in sample.scenarios if each.verdict == "fail")
    total = msgspec.structs.replace(sample.requirements[0], id="core.all", scenarios=failed)
    text = render_terminal(replace(sample, requirements=(*sample.requirements, total)))
    account = " ".join(text.split("✗ FAIL  core.all")[1].split("──")[0].split())
    assert account.endswith(
        "Caused by core.tus-resumable.response-present, core.patch.offset-mismatch-409."
    )


def test_a_sum_follows_from_nothing_but_its_parts(sample: Record) -> None:
    """A row is no cause of a sum for sharing a scenario: its level or its extension may differ."""
    broken = sample.scenarios[3]
    parts = {
        "core.must": ("MUST", "core", "fail"),
        "core.must-not": ("MUST NOT", "core", "fail"),
        "core.implied": ("IMPLIED", "core", "fail"),
        "creation.must": ("MUST", "creation", "fail"),
        "core.unsure": ("MUST", "core", "inconclusive"),
    }
    check = broken.attempts[0].checks[0]
    checks = tuple(msgspec.structs.replace(check, requirement=name) for name in parts)
    failed = msgspec.structs.replace(broken.attempts[0], checks=checks)
    told = msgspec.structs.replace(broken, requirements=tuple(parts), attempts=(failed, failed))
    rows = [
        msgspec.structs.replace(
            sample.requirements[0],
            id=name,
            level=level,
            extension=extension,
            verdict=verdict,
            scenarios=(told.id,),
        )
        for name, (level, extension, verdict) in parts.items()
    ]
    total = msgspec.structs.replace(rows[0], id="core.all")
    text = render_terminal(replace(sample, scenarios=(told,), requirements=(total, *rows)))
    account = " ".join(text.split("✗ FAIL  core.all")[1].split("──")[0].split())
    assert account.endswith("Caused by core.must, core.must-not.")


def test_a_blocked_requirement_is_listed_as_blocked_although_a_check_warns(
    sample: Record,
) -> None:
    warned = next(each for each in sample.requirements if each.verdict == "warn")
    blocked = next(each for each in sample.scenarios if each.verdict == "blocked")
    both = msgspec.structs.replace(
        warned, verdict="blocked", scenarios=(*warned.scenarios, blocked.id)
    )
    rows = tuple(both if each is warned else each for each in sample.requirements)
    told = (
        render_terminal(replace(sample, requirements=rows))
        .split("── Blocked")[1]
        .split("── Warn")[0]
    )
    assert warned.id in told


def test_a_label_never_touches_what_it_is_the_label_of(sample: Record) -> None:
    seen = Capability(name="complete-uploads", advertised=False, observed="refused")
    assert sample.discovery is not None
    discovery = msgspec.structs.replace(sample.discovery, capabilities=(seen,))
    assert "complete-uploads no" in render_terminal(replace(sample, discovery=discovery))


def test_an_obstacle_hides_no_other_verdict(sample: Record) -> None:
    """A sum that fails is told so, though a scenario that is blocked would be part of it."""
    failed = tuple(each.id for each in sample.scenarios if each.verdict in {"fail", "blocked"})
    total = msgspec.structs.replace(sample.requirements[0], id="core.all", scenarios=failed)
    text = render_terminal(replace(sample, requirements=(*sample.requirements, total)))
    violated, blocked = text.split("── Violated")[1].split("── Blocked")
    assert "✗ FAIL  core.all" in violated
    assert "core.all" not in blocked
    assert "no verdict termination.delete.gone\n" in blocked


def test_what_has_no_place_to_be_advertised_contradicts_nothing(sample: Record) -> None:
    """A download that works is no contradiction; an extension that works unsaid is one."""
    text = render_terminal(sample)
    assert "download     yes" in text
    assert "but          concatenation is advertised but refused" in text
    assert "download is" not in text


def test_one_cause_is_shown_once(sample: Record) -> None:
    """Scenarios that fail alike share one account, which names them all."""
    text = render_terminal(sample)
    assert text.count("✗ FAIL  core.patch.offset-mismatch-409") == 1
    account = text.split("✗ FAIL  core.patch.offset-mismatch-409")[1].split("──")[0]
    assert all(
        f"core.patch.offset-mismatch/{each}" in account for each in ("behind", "ahead", "far")
    )


def test_the_decisive_line_is_marked(sample: Record) -> None:
    """The line of the answer that decided is marked, a missing header as such, and no other."""
    marked = [
        line.split("> ", 1)[1]
        for line in render_terminal(sample, detail="full").splitlines()
        if re.match(r"^ .{10}> ", line)
    ]
    assert marked == [
        "(no Tus-Resumable)",
        "HTTP/1.1 204 No Content",
        "No answer came within 10 seconds.",
        "HTTP/1.1 500 Internal Server Error",
        "Upload-Offset: 0",
    ]


def test_injected_faults_are_shown(sample: Record) -> None:
    """What we did to a connection is in the account of what came of it."""
    text = render_terminal(sample, detail="full")
    assert "suite: cut after 40960 body bytes by RST" in " ".join(text.split())


def test_no_received_text_controls_the_terminal(sample: Record) -> None:
    """Control characters that a server sends, C1 too, are printed as escapes."""
    hostile = msgspec.structs.replace(sample.scenarios[1], title="a\x1b[2Jb\x9bc", reason="d\x07e")
    text = render_lines(replace(sample, scenarios=(hostile,)))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert r"a\x1b[2Jb\x9bc" in text


def test_colour_changes_nothing_but_colour(sample: Record) -> None:
    """With the escapes taken out, the coloured view is the plain one."""
    coloured = render_lines(sample, colour=True)
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == render_lines(sample).splitlines()


def test_an_ascii_stream_gets_ascii(sample: Record) -> None:
    """Where the encoding has no glyphs the view is written in ASCII, with nothing lost."""
    text = render_lines(sample, encoding="ascii")
    assert "x FAIL" in text
    assert len(text.splitlines()) == len(render_lines(sample).splitlines())


def test_a_run_cut_short_is_shown(sample: Record) -> None:
    """Without a footer or requirements, what is known is told, and that it was cut short."""
    text = render_terminal(replace(sample, requirements=(), footer=None))
    assert "The run was cut short" in text
    assert "✗ FAIL  core.patch.offset-mismatch-409" in text


def test_importing_the_package_imports_nothing_heavy() -> None:
    """The views that need rich or jinja2 import them when they are used."""
    program = "import sys, tus_reports; print([n for n in ('rich', 'jinja2') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("stream_is_a_terminal", "environment", "expected"),
    [
        pytest.param(True, {"TERM": "xterm"}, True, id="a terminal"),
        pytest.param(True, {"TERM": "xterm", "NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param(True, {"TERM": "xterm", "NO_COLOR": ""}, True, id="an empty NO_COLOR"),
        pytest.param(True, {"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param(False, {"TERM": "xterm"}, False, id="a log"),
    ],
)
def test_colour_is_for_terminals(
    stream_is_a_terminal: bool,
    environment: dict[str, str],
    expected: bool,
    sample: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Colour is chosen by the stream and the user's environment."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: stream_is_a_terminal)
    TerminalView(stream).add_line(sample.header)
    assert ("\x1b[" in stream.getvalue()) is expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        pytest.param("a b c", 3, ["a b", "c"], id="at spaces"),
        pytest.param("abcdef g", 4, ["abcd", "ef g"], id="a long word is broken"),
        pytest.param("see http://a.example/b", 6, ["see", "http://a.example/b"], id="an address"),
        pytest.param("", 10, [""], id="nothing"),
    ],
)
def test_wrap(text: str, width: int, expected: list[str]) -> None:
    """Text is broken at spaces, long words anywhere, addresses nowhere."""
    assert wrap_text(text, width) == expected


def test_typesetting_keeps_to_the_width() -> None:
    """A rule fills the line, ASCII replaces glyphs, rows end without space."""
    assert len(plain_text(heading_row("Title", 40))) == 40
    assert encode_for("✗ é", "ascii") == "x \\xe9"
    assert plain_text(styled_row("a ")) == "a"


def test_what_may_be_left_behind_is_one_sentence(sample: Record) -> None:
    """Each scenario is named once, however many uploads it may have left, and five at most."""
    assert sample.footer is not None
    places = ("discovery", "a", "a", "b", "c", "d", "e")
    footer = msgspec.structs.replace(sample.footer, unnamed_creations=places)
    text = " ".join(render_terminal(replace(sample, footer=footer)).split())
    assert (
        "perhaps 7 uploads may be left behind: no response named the created upload in"
        " discovery, a, b, c, d and 1 more."
    ) in text
    assert format_leftovers(("http://tus.test/files/1",), places[:1]) == (
        "1 upload that the server did not remove:",
        "  http://tus.test/files/1",
        "1 upload may be left behind: no response named the created upload in discovery.",
    )
    assert format_leftovers((), ()) == ()
