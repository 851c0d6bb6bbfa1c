"""`targets.profile_schema`: the schema, and the profile that `init` writes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from loopback import closed_port, serve_in_thread
from minimal_server import MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

from tus_conformance.cli.main import main
from tus_conformance.targets.profile import Commands, Exclusion, Profile, Tls, read_profile
from tus_conformance.targets.profile_schema import SCHEMA_PATH, build_schema, schema_text


def test_the_schema_in_the_package_is_made_from_the_types() -> None:
    """Write it anew with `python -m tus_conformance.targets.profile_schema`."""
    assert SCHEMA_PATH.read_text("utf-8") == schema_text()


def test_every_key_is_described_and_its_example_is_right() -> None:
    for name, kind in {"Profile": Profile, "Tls": Tls, "Commands": Commands}.items():
        for key, described in build_schema()["$defs"][name]["properties"].items():
            assert described["description"].endswith("."), key
            if "examples" in described:
                value = {key: described["examples"][0]}
                assert msgspec.convert(value, kind) != kind(), key


def test_the_profile_of_the_readme_has_every_key_but_two() -> None:
    """Those are there for records that must hide more than usual."""
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    example = readme.partition("```toml\nurl")[2].partition("```")[0]
    profile = msgspec.convert(tomllib.loads(f"url{example}"), Profile)
    usual, keys = Profile(), Profile.__struct_fields__
    unset = {key for key in keys if getattr(profile, key) == getattr(usual, key)}
    assert unset == {"secret_headers", "secret_query"}


PROFILES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"rate": 2, "cleanup": "keep", "tls": {"insecure": True}}, True),
    ({"commands": {"restart": True}}, True),
    ({"commands": {"restart": "make restart"}}, True),
    ({"exclude": [{"scenario": "x", "reason": "y"}]}, True),
    ({"exclude": [{"scenario": "x"}]}, False),
    ({"cleanup": "never"}, False),
    ({"timeout": 0}, False),
    ({"max_size": "1M"}, False),
    ({"commands": {"stop": "x"}}, False),
    ({"reat": 2}, False),
]


@pytest.mark.parametrize(("profile", "right"), PROFILES, ids=[str(case[0]) for case in PROFILES])
def test_the_schema_takes_what_the_types_take(
    tmp_path: Path, profile: dict[str, Any], right: bool
) -> None:
    checker = jsonschema.Draft202012Validator(build_schema())
    assert checker.is_valid(profile) is right


def test_files_of_tls_are_found_from_the_folder_of_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text('[tls]\nca = "ca.pem"\ncertificate = "/etc/me.pem"\n')
    tls = read_profile(path).tls
    assert tls == Tls(ca=str(tmp_path / "ca.pem"), certificate="/etc/me.pem")


@pytest.fixture
def tiny() -> Iterator[str]:
    """Serve a tiny tus server."""
    with serve_in_thread(serve_answers(MinimalServer())) as url:
        yield url


def test_a_profile_is_written_that_can_be_read(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "profile.toml"
    words = ["init", tiny, "--out", str(path), "-H", "Authorization: Bearer s3cr3t-of-nobody"]
    assert main(words) == 0
    assert f"--profile {path}" in capsys.readouterr().out
    assert read_profile(path) == Profile(url=tiny)
    assert "s3cr3t" not in path.read_text()
    assert main(words) == 2
    assert "already exists" in capsys.readouterr().err


def test_every_line_that_is_not_set_could_be(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", tiny]) == 0
    lines = capsys.readouterr().out.splitlines()
    unset = [line[1:] for line in lines if line.startswith("#") and not line.startswith("# ")]
    at = unset.index("[tls]")
    whole = msgspec.convert(tomllib.loads("\n".join([*unset[:at], *unset[at:]])), Profile)
    keys, usual = set(Profile.__struct_fields__), Profile()
    assert {key for key in keys if getattr(whole, key) != getattr(usual, key)} == keys - {"url"}
    assert all(getattr(whole.tls, key) for key in Tls.__struct_fields__)
    assert all(getattr(whole.commands, key) for key in Commands.__struct_fields__)
    assert whole.exclude == (
        Exclusion(
            scenario="core.method-override.*",
            reason="the proxy removes the header",
        ),
    )


def test_profile_contains_what_was_discovered(capsys: pytest.CaptureFixture[str]) -> None:
    with serve_in_thread(
        serve_answers(MinimalServer(lists=frozenset({"creation", "termination"})))
    ) as url:
        assert main(["init", url]) == 0
    shown = " ".join(capsys.readouterr().out.replace("\n# ", " ").split())
    assert "The server lists creation, termination." in shown
    assert "It supports checksum without listing it." in shown
    assert "A made-up method got 404." in shown


OFFSET_TYPE = "application/offset+octet-stream"
NAME = "filename dXBsb2FkLmJpbg=="
AGENT = "Mozilla/5.0"

Choosy = Callable[[ReceivedRequest], bool]


def has_key(asked: ReceivedRequest, key: str) -> bool:
    return key in {
        pair.split(" ")[0] for pair in (asked.header("Upload-Metadata") or "").split(",")
    }


NEEDS: list[tuple[str, Choosy, dict[str, Any]]] = [
    ("any metadata", lambda asked: bool(asked.header("Upload-Metadata")), {"metadata": NAME}),
    ("a file name", lambda asked: has_key(asked, "filename"), {"metadata": NAME}),
    (
        "a name and a type",
        lambda asked: has_key(asked, "name") and has_key(asked, "type"),
        {"metadata": "name dXBsb2FkLmJpbg==,type YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"},
    ),
    (
        "the key that the refusal names",
        lambda asked: has_key(asked, "bucketName"),
        {"metadata": "bucketName dXBsb2FkLmJpbg=="},
    ),
    (
        "the media type of tus",
        lambda asked: asked.header("Content-Type") == OFFSET_TYPE,
        {"creation_headers": {"Content-Type": OFFSET_TYPE}},
    ),
    (
        "a browser",
        lambda asked: asked.header("User-Agent") == AGENT,
        {"creation_headers": {"User-Agent": AGENT}},
    ),
    (
        "a file name and a media type",
        lambda asked: has_key(asked, "filename") and asked.header("Content-Type") is not None,
        {"metadata": NAME, "creation_headers": {"Content-Type": OFFSET_TYPE}},
    ),
]


@pytest.mark.parametrize(("takes", "known"), [pytest.param(*n[1:], id=n[0]) for n in NEEDS])
def test_what_creations_need_is_found_by_trying_and_nothing_besides(
    takes: Choosy, known: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tiny = MinimalServer()

    def choosy(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "POST" and not takes(asked):
            return ScriptedResponse(415, body=b"The key bucketName is missing.")
        return tiny(asked)

    with serve_in_thread(serve_answers(choosy)) as url:
        assert main(["init", url]) == 0
        text = capsys.readouterr().out
        assert tomllib.loads(text) == {"url": url, **known}
        assert tiny.uploads == {}
        # A run finds it out as well, and one with the profile has no need to.
        words = ["--only", "creation.post", "--no-profile"]
        assert main(["run", url, *words]) == 0
        assert "A creation needs " in capsys.readouterr().out
        (tmp_path / "profile.toml").write_text(text)
        words = ["--only", "creation.post", "--profile", str(tmp_path / "profile.toml")]
        assert main(["run", url, *words]) == 0
        assert "A creation needs " not in capsys.readouterr().out


@pytest.mark.parametrize("options", [204, 404])
@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_metadata_is_tried_whatever_the_refusal_and_the_response_to_options(
    status: int, options: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = MinimalServer()

    def choosy(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "OPTIONS" and options != 204:
            return ScriptedResponse(options, version=False)
        if asked.method == "POST" and not has_key(asked, "filename"):
            return ScriptedResponse(status, version=False)
        return tiny(asked)

    with serve_in_thread(serve_answers(choosy)) as url:
        assert main(["init", url]) == 0
    assert tomllib.loads(capsys.readouterr().out) == {"url": url, "metadata": NAME}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 500])
def test_a_server_that_refuses_every_creation_needs_nothing(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = MinimalServer()

    def refusing(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(status) if asked.method == "POST" else tiny(asked)

    with serve_in_thread(serve_answers(refusing)) as url:
        code = main(["init", url])
    printed = capsys.readouterr().out
    assert code == (3 if status == 401 else 0)
    assert "A creation needs" not in printed


@pytest.mark.parametrize("status", [404, 405, 301, 307, 308])
def test_the_url_with_a_slash_is_found(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = MinimalServer()

    def strict(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.target == "/files":
            to = {"Location": "/files/"} if status < 400 else {}
            return ScriptedResponse(status, to, version=False)
        return tiny(asked)

    with serve_in_thread(serve_answers(strict)) as url:
        assert main(["init", url.rstrip("/")]) == 0
    printed = capsys.readouterr()
    assert tomllib.loads(printed.out) == {"url": url}
    assert "The profile has that URL." in printed.err


def test_a_limit_on_bodies_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    tiny = MinimalServer()

    def narrow(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(413) if len(asked.body) > 300_000 else tiny(asked)

    with serve_in_thread(serve_answers(narrow)) as url:
        assert main(["init", url]) == 0
    printed = capsys.readouterr().out
    assert tomllib.loads(printed) == {"url": url, "max_body": 262_144}
    assert "A body of 524288 bytes is refused with 413" in printed


def test_a_server_that_is_not_there_gets_no_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "profile.toml"
    assert main(["init", f"http://127.0.0.1:{closed_port()}/", "--out", str(path)]) == 3
    assert "No profile was written." in capsys.readouterr().err
    assert not path.exists()
    assert main(["init", "files", "--out", str(path)]) == 2
    assert "is not the URL of a tus endpoint" in capsys.readouterr().err


def test_the_url_of_a_profile_is_the_target(tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(f"url = {json.dumps(tiny)}\n")
    words = ["run", "--profile", str(path), "--only", "core.options.answer"]
    assert main([*words, "--report-dir", str(tmp_path)]) == 0
    header = json.loads((tmp_path / "run.ndjson").read_text().splitlines()[0])
    assert header["target"] == tiny
