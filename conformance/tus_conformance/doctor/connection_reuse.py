"""The stage `connection reuse`: whether a connection still works after a refusal."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination, describe_answer, offset_of
from tus_conformance.transport import PersistentConnection


async def examine_reuse(examination: Examination) -> None:
    """Send a PATCH that is refused, and HEAD over the same connection."""
    _, url = await examination.create(10)
    if url is None:
        return
    connection = PersistentConnection()
    try:
        refused = await examination.patch(url, 3, b"1234567", connection=connection)
        head = await examination.send("HEAD", url, connection=connection)
        reused = not any(event.event == "connect" for event in head.exchange.events)
        examination.note("Connection after a refusal", "kept" if reused else "closed")
        was_closed = head.failure is not None and head.failure.kind in {"closed", "reset"}
        if reused and not was_closed and (head.stray or offset_of(head) != 0):
            values = {"answer": describe_answer(head)}
            examination.report("reuse.mixed-up", refused, head, values=values)
    finally:
        await connection.aclose()
