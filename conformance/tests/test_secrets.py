"""Secrets planted in every place of a run: none of them comes out, in any view of its record."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_memory import Answer, Asked, Says, server
from listening import listening
from tiny import Tiny

from tus_conformance.__main__ import main
from tus_conformance.arguments import REPORTS

MARK = "hush-hush-"
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


def planted(place: str) -> str:
    """Return the secret that stands in a place."""
    return MARK + PLACES[place]


class Telltale:
    """A server that tells in its answers whatever it was told, and adds secrets of its own."""

    def __init__(self) -> None:
        self.heard: list[Asked] = []
        self._tiny = Tiny()

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        self.heard.append(asked)
        path, _, _ = asked.target.partition("?")
        if asked.method == "GET":
            there = f"/elsewhere?access_token={planted('a token in a redirect')}"
            return Says(302, {"Location": there})
        said = self._tiny(Asked(asked.method, path, asked.headers, asked.body, asked.trailers))
        if not isinstance(said, Says):
            return said
        headers = {
            "Set-Cookie": f"sid={planted('a cookie that the server sets')}",
            "X-Session": planted("a header that the profile calls secret"),
            "X-Echo": " ".join(value for _, value in asked.headers),
            "X-Target": asked.target,
        }
        if "Location" in said.headers:
            token = planted("a token in Location")
            headers["Location"] = f"{said.headers['Location']}?token={token}"
        body = said.body
        if said.status >= 400 and asked.method != "HEAD":
            body = "; ".join(f"{name}: {value}" for name, value in asked.headers).encode()
        return Says(said.status, said.headers | headers, body)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Telltale, Path]:
    """Run some of the suite against the telltale; return it with the folder of the record."""
    folder = tmp_path_factory.mktemp("secrets")
    profile = folder / "profile.toml"
    profile.write_text(
        'secret_headers = ["X-Session"]\nsecret_query = ["ticket"]\n'
        f'headers = {{ X-Key = "{planted("a header of the profile")}",'
        f' Cookie = "c={planted("a cookie of the profile")}" }}\n'
    )
    telltale = Telltale()
    with listening(server(telltale)) as url:
        query = f"key={planted('a query parameter of the target')}"
        query += f"&ticket={planted('a query parameter that the profile names')}"
        user = f"me:{planted('the user in the URL')}@"
        main(
            [
                *("run", "--target", url.replace("http://", f"http://{user}") + f"?{query}"),
                *("-H", f"Authorization: Bearer {planted('Authorization')}"),
                *("-H", f"X-Token: {planted('a header of the command line')}"),
                *("--profile", str(profile), "--report-dir", str(folder), "--seed", "1"),
                *("--only", "core.head.*", "--only", "core.patch.offset-mismatch*"),
            ]
        )
    return telltale, folder


def test_the_secrets_were_there_to_be_told(told: tuple[Telltale, Path]) -> None:
    """The server heard each that is sent, so the other tests look for what could have been."""
    telltale, _ = told
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
    assert [place for place in sent if planted(place) not in heard] == []


@pytest.mark.parametrize("kind", ["run.ndjson", *REPORTS])
def test_no_secret_is_in_any_output(
    kind: str, told: tuple[Telltale, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the record nor in what is made of it, plain or encoded."""
    _, folder = told
    record = folder / "run.ndjson"
    if kind == "run.ndjson":
        text = record.read_text("utf-8")
        assert "[redacted]" in text
    else:
        assert main(["report", str(record), "--format", kind]) == 0
        text = capsys.readouterr().out
    assert [place for place, secret in PLACES.items() if secret in text] == []


def test_no_secret_is_shown_while_it_runs(
    told: tuple[Telltale, Path], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The terminal shows the target and the findings, without what is secret in them."""
    telltale, _ = told
    with listening(server(telltale)) as url:
        secret = planted("a query parameter of the target")
        words = ["--target", f"{url}?key={secret}", "--only", "core.head.*"]
        main(["run", *words, "-H", f"Authorization: Bearer {planted('Authorization')}"])
    shown = capfd.readouterr()
    assert "[redacted]" in shown.out
    assert [place for place, one in PLACES.items() if one in shown.out + shown.err] == []
