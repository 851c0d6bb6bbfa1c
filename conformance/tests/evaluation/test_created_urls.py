"""`evaluation.created_urls`: each creation has one of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from memory_run import run_suite_in_memory
from reference_in_memory import serve_reference

from tus_defects.call import Call
from tus_defects.message_edits import find_header, set_header
from tus_defects.rule import Match
from tus_defects.variant import Change
from tus_reference.model import Response

DIFFER = "always.upload-urls-differ"
Act = Callable[[Call], Awaitable[Response]]


def reuse_removed() -> Act:
    """Return a server that gives the URL of a removed upload, of the scenarios, once more."""
    own: set[str] = set()
    removed: list[str] = []

    async def act(call: Call) -> Response:
        response = await call.respond()
        if call.method == "DELETE" and response.status == 204:
            removed.extend({f"http://tus.test/files/{call.upload_id}"} & own)
        if call.method != "POST" or response.status != 201 or call.header("Upload-Length") != "100":
            return response
        own.add(find_header(response, "Location") or "")
        return set_header(response, "Location", removed.pop()) if removed else response

    return act


async def as_it_is(call: Call) -> Response:
    """Respond as the server does."""
    return await call.respond()


@pytest.mark.parametrize(
    ("act", "verdict", "words"),
    [
        (as_it_is, "pass", ""),
        (reuse_removed(), "warn", "which another upload had before it was deleted"),
    ],
    ids=["its own", "a deleted one's"],
)
async def test_the_url_of_another_upload_is_noticed(act: Act, verdict: str, words: str) -> None:
    run = await run_suite_in_memory(
        serve=serve_reference(Change(Match(), act)), only=("core.head.upload-*", "termination.un*")
    )
    result = run.scenarios[DIFFER]
    assert result.verdict == verdict
    assert words in "".join(check.actual for check in result.attempts[0].checks)
