"""`runner.run`: absurd numbers of a server are findings, and no error of the suite itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memory_run import run_suite_in_memory
from minimal_server import MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse

ABSURD = {"thousands of digits": "9" * 5000, "beyond the length": "1000"}
ONLY = ("core.head.*", "core.patch.zero-length*", "core.patch.after-complete*")


@pytest.mark.parametrize("header", ["Upload-Offset", "Upload-Length", "Tus-Max-Size"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("number", ABSURD)
async def test_absurd_numbers_are_the_fault_of_the_server(
    number: str, method: str, header: str
) -> None:
    server = MinimalServer()

    def lie(asked: ReceivedRequest) -> ScriptedAnswer:
        answer = server(asked)
        if asked.method != method or not isinstance(answer, ScriptedResponse):
            return answer
        if answer.status >= 300 or (server.made % 2 == 0 and method != "OPTIONS"):
            return answer
        return replace(answer, headers={**answer.headers, header: ABSURD[number]})

    found = await run_suite_in_memory(lie, only=ONLY)
    broken = {each.id: each.reason for each in found.scenarios.values() if each.verdict == "error"}
    assert broken == {}
    if (method, header) in {("HEAD", "Upload-Offset"), ("PATCH", "Upload-Offset")}:
        assert found.failed_requirements()
