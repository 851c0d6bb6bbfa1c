"""The pages of the site that are made from data: `python docs/site/generate.py TARGET`.

Copies the guides, and writes a page for each extension's requirements and each section's scenarios,
the commands, the profile, the public names, and what servers and clients do.
"""

from __future__ import annotations

import argparse
import inspect
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from peers.publication import read_published, write_pages
from tus_conformance.cli.main import COMMANDS, build_parser
from tus_conformance.clients.client_checks import client_checks
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.targets import profile
from tus_reports import Record
from tus_reports.server_title import server_title
from tus_reports.totals import conclusion_sentence
from tus_reports.verdict_style import VERDICT_STYLES
from tus_scenarios import Requirement, Scenario, ledger, scenarios

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "reports/published"
_PAGES = {"README.md": "index.html", "matrix.md": "matrix.html"}
"""The pages that the site has instead of published Markdown."""

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def main(target: Path) -> None:
    """Write the sources of the site into an empty folder."""
    (target / "_extra").mkdir(parents=True)
    shutil.copy(ROOT / "docs/site/conf.py", target)
    shutil.copytree(PUBLISHED, target / "_extra/published")
    for folder in (PUBLISHED, PUBLISHED / "clients"):
        place = target / "_extra" / folder.relative_to(PUBLISHED.parent)
        write_pages(sorted(folder.glob("*/run.ndjson.gz")), place)
    pages = {path: path.name for path in (ROOT / "docs").glob("*.md")}
    pages |= {ROOT / "README.md": "readme.md", ROOT / "reports/README.md": "reports.md"}
    pages |= {
        ROOT / f"{name}.md": f"{name.lower()}.md" for name in ("ARCHITECTURE", "CONTRIBUTING")
    }
    pages |= {ROOT / "CHANGELOG.md": "changelog.md"}
    for path, name in pages.items():
        (target / name).write_text(rewrite_links(path, pages), "utf-8")
    servers, clients = read_records(PUBLISHED), read_records(PUBLISHED / "clients")
    write_requirements(target / "requirements", servers, clients)
    write_scenarios(target / "scenarios")
    for name, records in (("servers", servers), ("clients", clients)):
        (target / f"{name}.md").write_text("\n".join(record_lines(name, records)), "utf-8")
    (target / "commands.md").write_text("\n".join(command_lines()), "utf-8")
    (target / "profile.md").write_text("\n".join(profile_lines()), "utf-8")
    (target / "api.md").write_text("\n".join(api_lines()), "utf-8")


def rewrite_links(path: Path, pages: dict[Path, str]) -> str:
    """Return a page with its links to other pages, published reports and files made fit."""

    def rewrite(found: re.Match[str]) -> str:
        place = (path.parent / found[1]).resolve()
        anchor = found[2] or ""
        if place in pages:
            return f"]({pages[place]}{anchor})"
        if place.is_relative_to(PUBLISHED):
            page = place.with_name(_PAGES.get(place.name, place.name))
            return f"](pathname:///published/{page.relative_to(PUBLISHED)})"
        if not place.exists():
            raise SystemExit(f"{path} links to {found[1]}, which does not exist.")
        return "](#)"

    text = path.read_text("utf-8")
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)\n?", "", text)
    text = _LINK.sub(rewrite, text)
    text = re.sub(r"\[([^\]]*)\]\(#\)", r"\1", text)
    return re.sub(r"\[([^\]]*)\]\(pathname:///([^)]*)\)", r'<a href="\2">\1</a>', text)


def read_records(folder: Path) -> dict[str, Record]:
    """Return the published records of a folder, each by the name of its own folder."""
    return {
        path.parent.name: read_published(path) for path in sorted(folder.glob("*/run.ndjson.gz"))
    }


def write_requirements(
    folder: Path, servers: dict[str, Record], clients: dict[str, Record]
) -> None:
    """Write a page for each extension, with every requirement of it."""
    folder.mkdir()
    checks: dict[str, list[str]] = defaultdict(list)
    for scenario in scenarios():
        for name in scenario.requirements:
            checks[name].append(f"[{scenario.id}](#s-{anchor(scenario.id)})")
    others = [(each.requirement, each.id) for each in invariants()] + list(client_checks())
    for name, check in others:
        checks[name].append(f"`{check}`")
    verdicts = {
        record_title(record): {line.id: line.verdict for line in record.requirements}
        for record in (*servers.values(), *clients.values())
    }
    extensions: dict[str, list[Requirement]] = defaultdict(list)
    for requirement in ledger().values():
        extensions[requirement.extension].append(requirement)
    for extension, rows in extensions.items():
        lines = [f"# {extension}", ""]
        for row in rows:
            lines += requirement_lines(row, checks[row.id], verdicts)
        (folder / f"{extension}.md").write_text("\n".join(lines), "utf-8")
    lines = [
        "# Requirements",
        "",
        "Every normative sentence of the specification, in our words.",
        "",
    ]
    lines += ["```{toctree}", ":maxdepth: 1", "", *extensions, "```", ""]
    (folder / "index.md").write_text("\n".join(lines), "utf-8")


def requirement_lines(
    row: Requirement, checks: list[str], verdicts: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """Yield a requirement: its statement, its place, its checks, what servers or clients do."""
    yield from (f"(r-{anchor(row.id)})=", f"## {row.id}", "", escape(row.statement), "")
    yield from (f"**{row.level}**, [{escape(row.section)}]({row.link})", "")
    if row.ambiguity and row.ambiguity != "None.":
        yield from (f"The specification is ambiguous: {escape(row.ambiguity)}", "")
    if row.why_not:
        extent = "in part" if row.observable == "partly" else "not at all"
        yield from (f"Observable {extent}: {escape(row.why_not)}", "")
    known = [
        f"{escape(name)}: {VERDICT_STYLES[found[row.id]].glyph} {found[row.id]}"
        for name, found in verdicts.items()
        if row.id in found
    ]
    if known:
        yield from (f"{row.side.capitalize()}s: " + ", ".join(known), "")
    more = f" and {len(checks) - 12} more" if len(checks) > 12 else ""
    yield from (
        (f"Checked by {', '.join(checks[:12])}{more}." if checks else "No check of its own."),
        "",
    )


def write_scenarios(folder: Path) -> None:
    """Write a page for each extension, with the steps of every scenario of it."""
    folder.mkdir()
    extensions: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in scenarios():
        extensions[scenario.extension].append(scenario)
    for extension, found in extensions.items():
        lines = [f"# Scenarios: {extension}", ""]
        for scenario in found:
            names = [f"[{name}](#r-{anchor(name)})" for name in scenario.requirements]
            lines += [
                f"(s-{anchor(scenario.id)})=",
                f"## {scenario.id}",
                "",
                escape(scenario.title),
                "",
            ]
            lines += ["```text", *scenario.prose, "```", "", f"Checks {', '.join(names)}.", ""]
        (folder / f"{extension}.md").write_text("\n".join(lines), "utf-8")
    lines = ["# Scenarios", "", "What the suite sends, and what it accepts.", ""]
    lines += ["```{toctree}", ":maxdepth: 1", "", *extensions, "```", ""]
    (folder / "index.md").write_text("\n".join(lines), "utf-8")


def record_lines(kind: str, records: dict[str, Record]) -> Iterator[str]:
    """Yield the page of the published records of `kind`, which is servers or clients."""
    place = "published" if kind == "servers" else f"published/{kind}"
    yield from (f"# Tested {kind}", "", f'<a href="{place}/matrix.html">The matrix</a>.', "")
    yield from (f"| {kind[:-1]} | tested | result |", "|---|---|---|")
    for folder, record in records.items():
        title = record_title(record)
        sentence = escape(conclusion_sentence(record))
        day = f"{record.header.started_at:.10}"
        yield f'| <a href="{place}/{folder}/index.html">{escape(title)}</a> | {day} | {sentence} |'


def command_lines() -> Iterator[str]:
    """Yield the commands with all of their options."""
    yield from ("# Commands and options", "")
    for command in COMMANDS:
        if command.alias_of:
            continue
        top = build_parser([command.name])
        subparsers = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction))
        parser = subparsers.choices[command.name]
        yield from (f"## {command.name}", "", escape(parser.description or command.help), "")
        yield from option_table(parser)


def option_table(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a table of the options of a parser."""
    yield from ("| option | meaning |", "|---|---|")
    for action in parser._actions:
        if action.help in {None, argparse.SUPPRESS} or action.dest == "help":
            continue
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        shown = f"{names}{value}" if action.option_strings else names
        meaning = str(action.help) % {"default": action.default, "prog": parser.prog}
        yield f"| `{shown.replace('|', ' ')}` | {escape(meaning)} |"
    yield ""


def profile_lines() -> Iterator[str]:
    """Yield the keys of a profile."""
    yield from ("# Profile", "", "Facts about a server that HTTP does not show, in TOML.", "")
    for name, kind in (("", "Profile"), ("tls", "Tls"), ("commands", "Commands")):
        yield from ((f"## `[{name}]`" if name else "## Keys"), "", "| key | meaning |", "|---|---|")
        for key, hint in getattr(profile, kind).__annotations__.items():
            found = re.search(r"_key\(\s*((?:\"[^\"]*\"\s*)+)", inspect_key(kind, key) or str(hint))
            text = "".join(re.findall(r"\"([^\"]*)\"", found[1])) if found else "see the README"
            yield f"| `{key}` | {escape(text)} |"
        yield ""


def inspect_key(kind: str, key: str) -> str:
    """Return the source of the declaration of a key of the profile."""
    source = inspect.getsource(getattr(profile, kind))
    found = re.search(rf"^    {key}: (.*?)(?=^    \w+:|^    def |\Z)", source, re.S | re.M)
    return found[1] if found else ""


def api_lines() -> Iterator[str]:
    """Yield the public names of the packages, each with its signature and docstring."""
    yield from ("# Public names", "")
    for package in ("tus_conformance", "tus_reports", "tus_reference"):
        module = import_module(package)
        yield from (f"## {package}", "")
        for name in sorted(module.__all__):
            found = getattr(module, name)
            documented = inspect.isclass(found) or inspect.isfunction(found)
            if not documented or not found.__doc__:
                continue
            yield from (f"### {package}.{name}", "", "```text")
            yield from (f"{name}{signature(found)}", "```", "")
            yield from docstring_lines(inspect.cleandoc(found.__doc__))


def signature(found: Any) -> str:
    """Return the signature of a class or function, a parameter a line, or nothing."""
    try:
        parameters = [str(each) for each in inspect.signature(found).parameters.values()]
    except (TypeError, ValueError):
        return ""
    # The types of a profile's keys carry their descriptions, which have a page of their own.
    shown = [
        re.sub(
            r"\btus_\w+\.[\w.]+\.",
            "",
            re.sub(r"(typing\.)?Annotated\[(.*?), msgspec.*", r"\2", each),
        )
        for each in parameters
    ]
    lines = "".join(f"\n    {each}," for each in shown)
    return f"({lines}\n)" if len(shown) > 2 else f"({', '.join(shown)})"


def docstring_lines(text: str) -> Iterator[str]:
    """Yield a docstring as Markdown: paragraphs as they are, indented blocks as code."""
    for paragraph in text.split("\n\n"):
        if re.search(r"^ {2,}", paragraph, re.M):
            yield from ("```text", paragraph, "```", "")
        else:
            spans = re.split(r"(`+[^`]*`+)", paragraph)
            yield from ("".join(each if "`" in each else escape(each) for each in spans), "")


def record_title(record: Record) -> str:
    """Return the name and the version of the server or client of a record."""
    header = record.header
    return header.target if header.side == "client" else server_title(header)


def anchor(name: str) -> str:
    """Return the target of a requirement or a scenario."""
    return re.sub(r"[^a-z0-9]", "-", name.lower().replace("/", "--"))


def escape(text: str) -> str:
    """Return a text as Markdown shows it, on one line."""
    shown = " ".join(text.split())
    return re.sub(r"([\\*_{}\[\]<>|$])", r"\\\1", shown)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
