"""`runner.suite`: the suite as a function, and the examples of docs/library.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from loopback import serve_in_thread
from minimal_server import MinimalServer
from scripted_server import serve_answers

import tus_conformance
import tus_reports
from tus_reports import ScenarioResult

PAGE = Path(__file__).parents[3] / "docs" / "library.md"


@pytest.fixture
def url() -> Iterator[str]:
    with serve_in_thread(serve_answers(MinimalServer())) as found:
        yield found


def run(url: str | None = None, **options: Any) -> tus_conformance.RunResult:
    async def run_suite() -> tus_conformance.RunResult:
        return await tus_conformance.run(url, **options)

    return trio.run(run_suite)


def test_the_result_has_the_verdicts_that_are_reported_one_by_one(url: str) -> None:
    seen: list[ScenarioResult] = []
    result = run(url, only=["core.patch.offset-mismatch*"], seed=1, on_result=seen.append)
    assert result.exit_code == 0
    assert result.error == ""
    assert seen == [each for each in result.scenarios if each.verdict != "excluded"]
    assert {"core.patch.offset-mismatch"} <= {each.id.partition("/")[0] for each in seen}
    assert {"pass"} <= {each.verdict for each in result.requirements}


def test_a_server_that_is_not_there_is_undetermined() -> None:
    result = run("http://127.0.0.1:9/files/", only=["core.head.*"])
    assert result.exit_code == 3
    assert "127.0.0.1:9" in result.error


def test_the_profile_may_be_a_file_that_names_the_url(url: str, tmp_path: Path) -> None:
    file = tmp_path / "profile.toml"
    file.write_text(f'url = "{url}"\n')
    assert run(profile=file, only=["core.head.cache-control*"]).scenarios


def test_a_url_that_cannot_be_used_raises_with_its_value() -> None:
    with pytest.raises(tus_conformance.TargetError, match="ftp://nowhere"):
        run("ftp://nowhere/")


def test_the_examples_of_the_page_run(url: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S):
        exec(block, names)
    assert names["check"](url) in {0, 1}
    assert trio.run(names["check_with_profile"], url, None) == 0
    (tmp_path / "wrong.toml").write_text("rate = -1")
    assert trio.run(names["check_with_profile"], url, tmp_path / "wrong.toml") == 2
    result = run(url, only=["core.head.cache-control*"])
    names["save"](result, tmp_path / "run.ndjson")
    record = tus_reports.read(tmp_path / "run.ndjson")
    assert [each.id for each in record.scenarios] == [each.id for each in result.scenarios]


def test_every_public_name_can_be_loaded_and_is_documented() -> None:
    page = PAGE.read_text("utf-8")
    for name in tus_conformance.__all__:
        assert getattr(tus_conformance, name).__doc__
        assert re.search(rf"\b{name}\b", page), name
