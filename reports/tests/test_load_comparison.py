"""`load_comparison`: loads side by side; bytes and errors are regressions, latencies never are."""

from __future__ import annotations

import pytest
from load_records import load_record

from tus_reports import (
    LoadColumn,
    LoadComparison,
    MixedRecordsError,
    Record,
    compare_loads,
    ensure_loads,
    load_comparison_html,
    load_comparison_markdown,
    load_comparison_text,
)

EXIT_CODES = ((0, 0, 0), (0, 1, 1), (1, 1, 0), (1, 0, 0), (0, 3, 3), (3, 1, 1))


@pytest.mark.parametrize(("before", "now", "code"), EXIT_CODES)
def test_the_exit_code_compares_the_exit_codes(before: int, now: int, code: int) -> None:
    assert compare_loads(load_record(code=before), load_record(code=now)).exit_code == code


def test_a_slower_server_is_shown_and_no_regression() -> None:
    found = compare_loads(load_record(p50=0.02), load_record(p50=0.05))
    assert found.exit_code == 0
    row = next(line for line in load_comparison_text(found).splitlines() if "upload, p50" in line)
    assert row.split() == ["PATCH", "upload,", "p50", "20", "ms", "50", "ms", "2.50"]


def test_different_mixes_are_mentioned() -> None:
    found = compare_loads(load_record(), load_record(mix='{"verify":0.5}'))
    assert "The mixes differ" in found.sentence
    assert "The mixes differ" not in compare_loads(load_record(), load_record()).sentence


def test_several_servers_have_a_column_each() -> None:
    columns = tuple(LoadColumn(name, load_record(name=name)) for name in ("tusd", "ours", "other"))
    found = LoadComparison(columns)
    for view in (load_comparison_text, load_comparison_markdown, load_comparison_html):
        text = view(found)
        assert all(each.name in text for each in columns)
        assert "now / before" not in text


@pytest.mark.parametrize(("codes", "code"), [((0, 0), 0), ((0, 1, 3), 1), ((3, 0), 3)])
def test_several_servers_have_the_worst_exit_code(codes: tuple[int, ...], code: int) -> None:
    columns = tuple(LoadColumn(str(each), load_record(code=each)) for each in codes)
    assert LoadComparison(columns).exit_code == code


def test_a_load_and_a_run_do_not_compare(sample: Record) -> None:
    with pytest.raises(MixedRecordsError, match="Some of these records are of loads"):
        ensure_loads([load_record(), sample])
