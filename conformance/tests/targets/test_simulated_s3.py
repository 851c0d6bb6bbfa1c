"""`targets.simulated_s3`: `s3-moto` and `s3-localstack`, and a sentence for what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from localstack_client.session import Session

from tus_conformance.cli import main as command_line
from tus_conformance.targets import simulated_s3


@pytest.mark.parametrize(
    ("name", "absent", "sentence"),
    [
        ("moto", set(), None),
        ("moto", {"boto3"}, "needs boto3: pip install boto3"),
        ("moto", {"moto"}, "needs moto: pip install 'moto[s3]' flask flask-cors"),
        ("moto", {"flask"}, "needs moto: pip install 'moto[s3]' flask flask-cors"),
        ("localstack", {"boto3"}, "--reference s3-localstack needs boto3"),
        ("localstack", {"localstack_client"}, "needs localstack-client: pip install"),
        ("localstack", {"localstack.runtime.main"}, "finds no LocalStack: start it, or"),
        ("localstack", set(), None),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    name: str, absent: set[str], sentence: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("TUS_LOCALSTACK_PYTHON", "AWS_ENDPOINT_URL", "LOCALSTACK_HOST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(
        simulated_s3, "find_spec", lambda package: None if package in absent else package
    )
    told = simulated_s3.missing_requirement(name)
    assert told is None if sentence is None else sentence in (told or "")


def test_a_localstack_installed_elsewhere_is_started_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TUS_LOCALSTACK_PYTHON", sys.executable)
    started = simulated_s3.s3_command("localstack", 4321, tmp_path)
    assert started.words == (sys.executable, "-m", "localstack.runtime.main")
    assert started.environment["GATEWAY_LISTEN"] == "127.0.0.1:4321"
    assert started.environment["HOME"] == str(tmp_path)


@pytest.mark.parametrize(
    ("variables", "port", "url"),
    [
        ({}, None, "http://localhost:4566"),
        ({}, 4321, "http://127.0.0.1:4321"),
        ({"LOCALSTACK_HOST": "127.0.0.1:4567"}, None, "http://127.0.0.1:4567"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4568"}, None, "http://127.0.0.1:4568"),
    ],
)
def test_localstack_is_where_its_client_finds_it(
    variables: dict[str, str], port: int | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "LOCALSTACK_HOST", "USE_SSL"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    found = simulated_s3.running_s3("localstack", port)
    keys = Session().get_credentials()
    assert found.url == url
    assert found.environment == {
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_a_localstack_that_is_named_and_does_not_run_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCALSTACK_HOST", "127.0.0.1:9")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("TUS_LOCALSTACK_PYTHON", sys.executable)
    assert not simulated_s3.is_localstack_running()
    sentence = simulated_s3.missing_requirement("localstack") or ""
    assert "where AWS_ENDPOINT_URL or LOCALSTACK_HOST says" in sentence


def test_a_python_that_is_not_there_has_no_localstack(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ENDPOINT_URL", "LOCALSTACK_HOST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TUS_LOCALSTACK_PYTHON", "/there/is/none")
    assert "set TUS_LOCALSTACK_PYTHON" in (simulated_s3.missing_requirement("localstack") or "")


def test_a_run_without_moto_ends_with_2_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulated_s3, "find_spec", lambda _package: None)
    assert command_line.main(["run", "--reference", "s3-moto"]) == 2
    assert "pip install boto3" in capsys.readouterr().err


def test_bucket_creation_failure_is_reported() -> None:
    with pytest.raises(OSError, match="it does not respond: EndpointConnectionError"):
        simulated_s3.create_bucket(simulated_s3.running_s3("moto", 9))
