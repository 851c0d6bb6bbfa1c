"""`model.receive_buffer`: buffers that grow within one budget."""

from __future__ import annotations

from tus_reference.model.receive_buffer import (
    MAX_SIZE,
    MIN_SIZE,
    SMALL_BODY,
    MemoryBudget,
    ReceiveBuffer,
)


def test_a_buffer_is_never_larger_than_the_body() -> None:
    budget = MemoryBudget(MAX_SIZE)
    assert len(ReceiveBuffer(10, budget).view) == 10
    assert len(ReceiveBuffer(0, budget).view) == 1
    assert len(ReceiveBuffer(SMALL_BODY, budget).view) == SMALL_BODY
    assert len(ReceiveBuffer(SMALL_BODY + 1, budget).view) == MIN_SIZE


def test_a_buffer_that_is_filled_grows_up_to_its_limit() -> None:
    buffer = ReceiveBuffer(None, MemoryBudget(2 * MAX_SIZE))
    sizes = [len(buffer.view)]
    for _ in range(5):
        buffer.adapt(len(buffer.view))
        sizes.append(len(buffer.view))
    assert sizes[0] == MIN_SIZE
    assert sizes[-1] == MAX_SIZE
    assert sizes == sorted(sizes)


def test_a_buffer_that_is_hardly_used_shrinks() -> None:
    budget = MemoryBudget(MAX_SIZE)
    buffer = ReceiveBuffer(None, budget)
    buffer.adapt(len(buffer.view))
    large, free = len(buffer.view), budget.free
    buffer.adapt(1)
    assert len(buffer.view) < large
    assert budget.free > free


def test_many_buffers_stay_within_the_budget() -> None:
    budget = MemoryBudget(1024 * 1024)
    buffers = [ReceiveBuffer(None, budget) for _ in range(100)]
    for _ in range(6):
        for buffer in buffers:
            buffer.adapt(len(buffer.view))
    assert budget.free >= 0
    assert sum(len(buffer.view) for buffer in buffers) <= 1024 * 1024 + 100 * MIN_SIZE
    assert all(len(buffer.view) >= MIN_SIZE for buffer in buffers)


def test_what_is_closed_gives_everything_back() -> None:
    budget = MemoryBudget(MAX_SIZE)
    buffer = ReceiveBuffer(None, budget)
    buffer.adapt(len(buffer.view))
    buffer.close()
    buffer.close()
    assert budget.free == MAX_SIZE
