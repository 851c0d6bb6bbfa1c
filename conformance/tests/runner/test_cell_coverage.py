"""`runner.cell_coverage`: what scenarios exercise of each requirement, and that it can fall."""

from __future__ import annotations

import pytest

from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.cell_coverage import AXES, compute_cells
from tus_scenarios import Scenario, scenarios
from tus_scenarios.reader import parse_scenarios

STEP = '{ %s, expect = [{ status = 204, checks = "core.patch.accept" }] }'
UPLOAD = "{ given = { length = 9 } }"


def scenario(*steps: str) -> list[Scenario]:
    text = f"""
section = "Core/PATCH"
extension = "core"
[[scenario]]
id = "one"
title = "One"
why = "It matters."
step = [{", ".join(steps)}]
"""
    return parse_scenarios(text, "mine.toml")


@pytest.mark.parametrize(
    ("before", "act", "cell"),
    [
        (UPLOAD, "patch = { send = 5 }", ("ordinary", "plain", "some")),
        (UPLOAD, "patch = { send = 0, framing = 'chunked' }", ("ordinary", "chunked", "empty")),
        (UPLOAD, "patch = { send = 100000, override = true }", ("ordinary", "override", "large")),
        (UPLOAD, "head = { connection = 'kept' }", ("ordinary", "kept", "none")),
        (UPLOAD, "patch = { body = 'x', http = '1.0' }", ("ordinary", "http10", "some")),
        (UPLOAD, "head = { names = 'lower' }", ("ordinary", "letter-case", "none")),
        (UPLOAD, "patch = { send = 5, cut.after = 1 }", ("ordinary", "interrupted", "some")),
        (UPLOAD, "patch = { header.Expect = '100-continue' }", ("ordinary", "expect", "none")),
        ("{ given = { deferred = true } }", "head = {}", ("deferred", "plain", "none")),
        ("{ given = { length = 0 } }", "head = {}", ("empty", "plain", "none")),
        ("{ given = { length = 5, stored = 5 } }", "head = {}", ("complete", "plain", "none")),
        ("{ given = { metadata = 'a' } }", "head = {}", ("described", "plain", "none")),
        (
            "{ post = { length = 5, send = 5 }, setup = true }",
            "head = {}",
            ("with-upload", "plain", "none"),
        ),
        (
            "{ post = { length = 5, header.Upload-Concat = 'partial' }, setup = true }",
            "finish = {}",
            ("partial", "plain", "some"),
        ),
    ],
)
def test_a_step_exercises_one_cell(before: str, act: str, cell: tuple[str, str, str]) -> None:
    cells = compute_cells(scenario(before, STEP % act)).cells
    assert ("core.patch.accept", *cell) in cells


def test_a_precondition_and_another_url_exercise_nothing() -> None:
    assert not compute_cells(scenario(UPLOAD, "{ head = {}, setup = true }")).cells
    other = STEP % "patch = { to = '{unknown}', offset = 0 }"
    assert not compute_cells(scenario(UPLOAD, other)).cells


def test_the_share_falls_with_every_scenario_that_is_missing() -> None:
    every = compute_cells(scenarios(), invariants())
    less = compute_cells(
        [each for each in scenarios() if not each.id.startswith("pairs.")], invariants()
    )
    for axes in (AXES[:2], (AXES[0], AXES[2]), AXES):
        assert less.exercised(*axes) < every.exercised(*axes) <= every.possible(*axes)


def test_an_invariant_counts_for_every_request_that_it_looks_at() -> None:
    step = "{ head = {}, name = 'asked' }"
    assert not compute_cells(scenario(UPLOAD, step)).cells
    cells = compute_cells(scenario(UPLOAD, step), invariants()).cells
    assert ("core.head.cache-control", "ordinary", "plain", "none") in cells
