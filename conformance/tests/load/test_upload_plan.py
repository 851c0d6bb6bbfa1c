"""`load.upload_plan`: sizes, chunks and cuts are drawn from the mix, the same for one seed."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec

from tus_conformance.load.mix import Chunks, Cuts, Mix, Sizes, Tasks
from tus_conformance.load.upload_plan import (
    UploadPlan,
    choose_task,
    draw_size,
    plan_abandoned,
    plan_parts,
    plan_upload,
)

MIX = Mix(
    sizes=(Sizes(smallest=0, largest=5000),),
    chunks=Chunks(whole=0.5, smallest=10, largest=900),
    cuts=Cuts(share=1.0, most=3),
)


def test_one_seed_makes_one_plan() -> None:
    plans = [
        [plan_upload(MIX, Random(seed), limit=None, at_creation=False) for seed in range(50)]
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
    assert len(set(plans[0])) > 40


def test_sizes_are_within_their_range_and_the_limit() -> None:
    random = Random(1)
    for spread in ("log-uniform", "uniform"):
        range_ = Sizes(smallest=100, largest=1000, spread=spread)
        mix = msgspec.structs.replace(MIX, sizes=(range_,))
        sizes = [draw_size(mix, random, None) for _ in range(2000)]
        assert min(sizes) >= 100
        assert max(sizes) <= 1000
        assert max(draw_size(mix, random, 300) for _ in range(200)) == 300


def test_a_log_uniform_range_prefers_small_sizes() -> None:
    random = Random(1)
    small = msgspec.structs.replace(MIX, sizes=(Sizes(smallest=1, largest=10_000),))
    assert sum(draw_size(small, random, None) <= 100 for _ in range(1000)) > 350


def test_following_a_plan_sends_every_byte_and_meets_each_cut_once() -> None:
    """The cuts lie within bodies, so that each is reached where its offset is sent."""
    random = Random(3)
    for _ in range(300):
        plan = plan_upload(MIX, random, limit=None, at_creation=False)
        offset = done = 0
        while offset < plan.end:
            length, cut = plan.next_body(offset), plan.next_cut(offset, done)
            assert 0 < length <= plan.chunk
            if cut is None:
                offset += length
            else:
                assert 0 <= cut < length
                offset, done = offset + cut, done + 1
        assert done <= len(plan.cuts)
        assert offset == plan.size
        assert done or not plan.cuts


def test_an_abandoned_upload_ends_before_its_size() -> None:
    random = Random(4)
    for _ in range(300):
        plan = plan_abandoned(MIX, random, limit=None)
        assert 0 <= plan.end < plan.size
        assert all(cut < plan.end for cut in plan.cuts)


def test_parts_add_up_and_respect_the_limit() -> None:
    random = Random(5)
    counts = set()
    for _ in range(200):
        parts = plan_parts(MIX, random, limit=2000)
        counts.add(len(parts))
        assert sum(each.size for each in parts) <= 2000
    assert counts == {2, 3, 4}


def test_tasks_are_chosen_by_weight() -> None:
    tasks = Tasks(upload=3, upload_at_creation=0, parallel=1, abandon=0, download=0)
    random, mix = Random(6), msgspec.structs.replace(MIX, tasks=tasks)
    found = Counter(choose_task(mix, random) for _ in range(1000))
    assert set(found) == {"upload", "parallel"}
    assert 650 < found["upload"] < 850


def test_a_cut_before_the_offset_is_over() -> None:
    plan = UploadPlan(size=100, chunk=50, end=100, cuts=(10, 60))
    assert plan.next_cut(0, 0) == 10
    assert plan.next_cut(10, 1) is None
    assert plan.next_cut(60, 1) == 0
