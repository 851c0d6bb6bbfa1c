"""`transport.redaction`: no secret of a run appears in any view of its record."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback import serve_in_thread
from minimal_server import MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

from tus_conformance.cli.main import main
from tus_conformance.cli.report_command import REPORT_FORMATS

SECRET_PREFIX = "hush-hush-"
PLACES = {
    "a header of the command line": "cli-3f9a51",
    "Authorization": "bearer-77c0de",
    "a header of the profile": "profile-5d2b88",
    "a cookie of the profile": "biscuit-19e4aa",
    "the user in the URL": "user-b07f12",
    "a query parameter of the target": "query-e66d03",
    "a query parameter that the profile names": "ticket-4a81ff",
    "a cookie that the server sets": "set-cookie-c3d9e7",
    "a token in Location": "location-8890ba",
    "a token in a redirect": "redirect-21f6cd",
    "a header that the profile calls secret": "session-fe05a4",
}


def secret_in(place: str) -> str:
    """Return the secret that stands in a place."""
    return SECRET_PREFIX + PLACES[place]


class EchoingServer:
    """A server that tells in its answers whatever it was told, and adds secrets of its own."""

    def __init__(self) -> None:
        self.heard: list[ReceivedRequest] = []
        self._tiny = MinimalServer()

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        """Answer one request."""
        self.heard.append(asked)
        path, _, _ = asked.target.partition("?")
        if asked.method == "GET":
            there = f"/elsewhere?access_token={secret_in('a token in a redirect')}"
            return ScriptedResponse(302, {"Location": there})
        said = self._tiny(
            ReceivedRequest(asked.method, path, asked.headers, asked.body, asked.trailers)
        )
        if not isinstance(said, ScriptedResponse):
            return said
        headers = {
            "Set-Cookie": f"sid={secret_in('a cookie that the server sets')}",
            "X-Session": secret_in("a header that the profile calls secret"),
            "X-Echo": " ".join(value for _, value in asked.headers),
            "X-Target": asked.target,
        }
        if "Location" in said.headers:
            token = secret_in("a token in Location")
            headers["Location"] = f"{said.headers['Location']}?token={token}"
        body = said.body
        if said.status >= 400 and asked.method != "HEAD":
            body = "; ".join(f"{name}: {value}" for name, value in asked.headers).encode()
        return ScriptedResponse(said.status, said.headers | headers, body)


@pytest.fixture(scope="module")
def recorded_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[EchoingServer, Path]:
    """Run some of the suite against the telltale; return it with the folder of the record."""
    folder = tmp_path_factory.mktemp("secrets")
    profile = folder / "profile.toml"
    profile.write_text(
        'secret_headers = ["X-Session"]\nsecret_query = ["ticket"]\n'
        f'headers = {{ X-Key = "{secret_in("a header of the profile")}",'
        f' Cookie = "c={secret_in("a cookie of the profile")}" }}\n'
    )
    telltale = EchoingServer()
    with serve_in_thread(serve_answers(telltale)) as url:
        query = f"key={secret_in('a query parameter of the target')}"
        query += f"&ticket={secret_in('a query parameter that the profile names')}"
        user = f"me:{secret_in('the user in the URL')}@"
        main(
            [
                *("run", "--target", url.replace("http://", f"http://{user}") + f"?{query}"),
                *("-H", f"Authorization: Bearer {secret_in('Authorization')}"),
                *("-H", f"X-Token: {secret_in('a header of the command line')}"),
                *("--profile", str(profile), "--report-dir", str(folder), "--seed", "1"),
                *("--only", "core.head.*", "--only", "core.patch.offset-mismatch*"),
            ]
        )
    return telltale, folder


def test_the_run_contained_the_secrets(recorded_run: tuple[EchoingServer, Path]) -> None:
    """The server heard each that is sent, so the other tests look for what could have been."""
    telltale, _ = recorded_run
    heard = "\n".join(
        f"{asked.target} " + " ".join(value for _, value in asked.headers)
        for asked in telltale.heard
    )
    sent = [
        "a header of the command line",
        "Authorization",
        "a header of the profile",
        "a cookie of the profile",
        "a query parameter of the target",
        "a query parameter that the profile names",
        "a token in Location",
    ]
    assert [place for place in sent if secret_in(place) not in heard] == []


@pytest.mark.parametrize("kind", ["run.ndjson", *REPORT_FORMATS])
def test_no_secret_is_in_any_output(
    kind: str, recorded_run: tuple[EchoingServer, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the record nor in what is made of it, plain or encoded."""
    _, folder = recorded_run
    record = folder / "run.ndjson"
    if kind == "run.ndjson":
        text = record.read_text("utf-8")
        assert "[redacted]" in text
    else:
        assert main(["report", str(record), "--format", kind]) == 0
        text = capsys.readouterr().out
    assert [place for place, secret in PLACES.items() if secret in text] == []


def test_no_secret_is_shown_while_it_runs(
    recorded_run: tuple[EchoingServer, Path], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The terminal shows the target and the findings, without what is secret in them."""
    telltale, _ = recorded_run
    with serve_in_thread(serve_answers(telltale)) as url:
        secret = secret_in("a query parameter of the target")
        words = ["--target", f"{url}?key={secret}", "--only", "core.head.*"]
        main(["run", *words, "-H", f"Authorization: Bearer {secret_in('Authorization')}"])
    shown = capfd.readouterr()
    assert "[redacted]" in shown.out
    assert [place for place, one in PLACES.items() if one in shown.out + shown.err] == []
