"""`cli`: settings of the S3 store that cannot work are reported before the start."""

from __future__ import annotations

import sys

import pytest
from botocore.exceptions import ClientError

from tus_reference import ConfigError
from tus_reference.cli import main, new_handler, new_parser
from tus_reference.stores.s3 import S3Store, ensure_bucket


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process credentials and no other settings of AWS."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-to-be-told")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


BUCKET = ("--s3-bucket", "uploads", "--s3-endpoint", "http://127.0.0.1:9")


def test_a_bucket_is_enough_to_choose_s3() -> None:
    options = new_parser().parse_args([*BUCKET, "--s3-part-size", "9000000"])
    options.store = options.store or "s3"
    store = new_handler(options).config.composer.core
    assert isinstance(store, S3Store)
    assert (store.limits.preferred_part_size, store.limits.min_part_size) == (9_000_000, 5_242_880)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--store", "s3"], "--store s3 needs the name of a bucket: --s3-bucket NAME."),
        ([*BUCKET, "--s3-part-size", "1"], "min_part_size is larger than preferred_part_size"),
        ([*BUCKET, "--s3-concurrent-part-uploads", "0"], "concurrent_part_uploads must be at"),
        ([*BUCKET, "--locker", "file"], "--locker file needs --store file"),
        (
            ["--s3-bucket", "b", "--s3-endpoint", "http://a..b/"],
            "S3 cannot be used: Invalid endpoint",
        ),
    ],
)
def test_flags_that_cannot_work_end_with_2_and_a_sentence(
    flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert "not-to-be-told" not in said


def test_without_boto3_the_error_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("tus_reference.stores.s3")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert main(list(BUCKET)) == 2
    assert "needs boto3: pip install boto3" in capsys.readouterr().err


def test_without_credentials_the_error_names_where_they_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert main(list(BUCKET)) == 2
    assert "There are no AWS credentials: set AWS_ACCESS_KEY_ID" in capsys.readouterr().err


class Service:
    """An S3 that answers HEAD of a bucket with a status."""

    def __init__(self, status: int) -> None:
        self.status = status

    def head_bucket(self, **_: str) -> None:
        if self.status != 200:
            answer = {"ResponseMetadata": {"HTTPStatusCode": self.status}}
            raise ClientError(answer, "HeadBucket")


def test_a_bucket_that_does_not_exist_is_an_error_before_listening() -> None:
    with pytest.raises(ConfigError, match="The bucket 'uploads' does not exist: create it"):
        ensure_bucket(Service(404), "uploads")


@pytest.mark.parametrize("status", [200, 301, 403, 500, 503])
def test_a_bucket_that_cannot_be_looked_at_may_be_all_right(status: int) -> None:
    ensure_bucket(Service(status), "uploads")
