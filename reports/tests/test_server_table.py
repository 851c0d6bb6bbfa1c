"""`server_table`: servers down, extensions across, and who violates what."""

from __future__ import annotations

from dataclasses import replace

from tus_reports import MatrixServer, Record, RequirementResult, Verdict
from tus_reports.server_table import server_table, violation_table


def requirement(name: str, verdict: Verdict, extension: str = "core") -> RequirementResult:
    return RequirementResult(
        id=name,
        level="MUST",
        section="Core",
        extension=extension,
        statement=f"The statement | of {name}.",
        verdict=verdict,
        scenarios=(),
        link="https://tus.io/x",
    )


def server(sample: Record, name: str, *requirements: RequirementResult) -> MatrixServer:
    record = replace(sample, scenarios=(), requirements=requirements, discovery=None)
    return MatrixServer(name, record, f"{name}/README.md")


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    lines = [line.replace(r"\|", "") for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_server_with_the_fewest_violations_is_first(sample: Record) -> None:
    servers = [
        server(sample, "bad", requirement("a", "fail"), requirement("b", "blocked")),
        server(sample, "good", requirement("a", "pass"), requirement("b", "pass")),
        server(sample, "warned", requirement("a", "warn"), requirement("b", "pass")),
    ]
    day = sample.header.started_at[:10]
    assert rows(server_table(servers)) == [
        ["[good](good/README.md)", day, "✓"],
        ["[warned](warned/README.md)", day, "▲1"],
        ["[bad](bad/README.md)", day, "✗1 ?1"],
    ]


def test_an_extension_that_is_not_offered_is_never_conformant(sample: Record) -> None:
    servers = [
        server(sample, "one", requirement("x", "unsupported", "checksum")),
        server(sample, "two", requirement("y", "pass")),
    ]
    table = server_table(servers)
    assert "`checksum`" in table
    assert [row[2] for row in rows(table)] == ["○", "○"]
    assert [row[3] for row in rows(table)] == ["○", "✓"]


def test_the_requirement_that_most_servers_violate_is_first(sample: Record) -> None:
    servers = [
        server(sample, "one", requirement("a", "fail"), requirement("b", "fail")),
        server(sample, "two", requirement("a", "warn"), requirement("b", "fail")),
        server(sample, "three", requirement("c", "pass")),
    ]
    first, second = rows(violation_table(servers))
    assert first[0].startswith("[`b`](https://tus.io/x): The statement")
    assert first[1] == "[one](one/README.md), [two](two/README.md)"
    assert second[1:] == ["[one](one/README.md)", "[two](two/README.md)"]
