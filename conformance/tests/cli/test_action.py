"""`cli`: the steps of `action.yml`, run in the folder of another repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from loopback import serve_in_thread
from minimal_server import MinimalServer
from scripted_server import serve_answers

yaml: Any = pytest.importorskip("yaml", reason="PyYAML reads the action")

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is missing")


@dataclass(frozen=True)
class JobResult:
    """What the steps of a job came to: whether it failed, its summary, and what it printed."""

    failed: bool
    exit_code: str
    summary: str
    printed: str


def run_job(home: Path, **inputs: str) -> JobResult:
    """Run the steps with inputs, as a runner would; the suite is installed already."""
    values = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
    programs = home / "runner/tus-conformance/bin"
    programs.mkdir(parents=True)
    (programs / "tus-conformance").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m tus_conformance "$@"\n'
    )
    (programs / "tus-conformance").chmod(0o755)
    output, summary, repository = home / "output", home / "summary", home / "repository"
    for each in (output, summary):
        each.touch()
    repository.mkdir()
    outputs: dict[str, str] = {}

    def fill_in(text: str) -> str:
        names = {f"inputs.{name}": value for name, value in values.items()}
        names |= {f"steps.run.outputs.{name}": value for name, value in outputs.items()}
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: names[found[1]], text)

    printed, failed = "", False
    for step in ACTION["runs"]["steps"]:
        if "run" not in step or step["name"].startswith("Install"):
            continue
        variables = {name: fill_in(text) for name, text in step["env"].items()}
        variables |= {"RUNNER_TEMP": str(home / "runner"), "GITHUB_OUTPUT": str(output)}
        variables |= {"GITHUB_STEP_SUMMARY": str(summary)}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env={**os.environ, **variables},
            cwd=repository / fill_in(step.get("working-directory", ".")),
            capture_output=True,
            text=True,
            check=False,
        )
        printed += done.stdout + done.stderr
        failed |= done.returncode != 0
        outputs |= dict(line.split("=", 1) for line in output.read_text().splitlines())
    return JobResult(failed, outputs["exit-code"], summary.read_text(), printed)


def test_a_conforming_server_passes_with_a_summary_and_reports(tmp_path: Path) -> None:
    with serve_in_thread(serve_answers(MinimalServer())) as url:
        words = "--only 'core.options.*' --name 'my server'"
        job = run_job(tmp_path, url=url, arguments=words)
    assert (job.failed, job.exit_code) == (False, "0")
    assert "my server" in job.summary
    found = {each.name for each in (tmp_path / "repository/tus-conformance-report").iterdir()}
    assert found == {"run.ndjson", "index.html", "junit.xml", "summary.md"}


def test_a_violation_is_annotated_and_fails_the_job(tmp_path: Path) -> None:
    with serve_in_thread(serve_answers(MinimalServer(no_store=False))) as url:
        job = run_job(tmp_path, url=url, arguments="--only 'core.head.cache-control*'")
    assert job.failed
    assert job.exit_code == "1"
    assert "::error title=" in job.printed


def test_a_wrong_command_fails_the_job_without_annotations(tmp_path: Path) -> None:
    job = run_job(tmp_path, url="127.0.0.1:1080/files/")
    assert (job.failed, job.exit_code, job.summary) == (True, "2", "")
    assert "Use http://127.0.0.1:1080/files/." in job.printed
