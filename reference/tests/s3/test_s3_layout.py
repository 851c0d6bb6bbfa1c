"""tusd's objects, names and records, and what S3 can keep of an upload's metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from s3.memory_s3 import MemoryS3, body

from tus_reference.handler import FileInfo
from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3 import S3Store
from tus_reference.stores.s3.keys import METADATA_LIMIT, content_type, object_metadata

if TYPE_CHECKING:
    from s3.stage import Stage


async def test_an_upload_is_named_after_its_object_and_its_multipart_upload(stage: Stage) -> None:
    upload_id = await stage.create()
    assert upload_id == f"{next(iter(stage.s3.multiparts.values())).key}+multi.part_1"
    assert list(stage.s3.objects) == [upload_id.partition("+")[0] + ".info"]


async def test_the_record_is_tusds(stage: Stage) -> None:
    upload_id = await stage.create(500, id="name", metadata={"filename": b"x"})
    written = json.loads(stage.s3.objects["name.info"].content)
    assert {key: value for key, value in written.items() if key != "TusReference"} == {
        "ID": upload_id,
        "Size": 500,
        "SizeIsDeferred": False,
        "Offset": 0,
        "MetaData": {"filename": "x"},
        "IsPartial": False,
        "IsFinal": False,
        "PartialUploads": None,
        "Storage": {"Type": "s3store", "Bucket": "bucket", "Key": "name"},
    }


@pytest.mark.parametrize(
    ("prefix", "metadata_prefix", "keys"),
    [
        ("", "", ["name", "name.info", "name.part"]),
        ("in", "", ["in/name", "in/name.info", "in/name.part"]),
        ("in/", "", ["in/name", "in/name.info", "in/name.part"]),
        ("in", "about/it", ["about/it/name.info", "about/it/name.part", "in/name"]),
    ],
)
async def test_prefixes_are_folders_as_with_tusd(
    prefix: str, metadata_prefix: str, keys: list[str]
) -> None:
    s3 = MemoryS3()
    store = S3Store("bucket", s3, object_prefix=prefix, metadata_object_prefix=metadata_prefix)
    upload_id = await store.new_upload(FileInfo(id="name", size=3))
    await store.write_chunk(upload_id, 0, body(b"ab"))
    multipart = s3.multiparts["multi.part_1"]
    assert sorted([*s3.objects, multipart.key]) == keys
    assert [info.id async for info in store.uploads()] == [upload_id]
    await store.terminate(upload_id)
    assert (s3.objects, s3.multiparts) == ({}, {})


async def test_an_upload_that_tusd_began_goes_on(stage: Stage) -> None:
    upload_id = await stage.create(20, id="name")
    record = json.loads(stage.s3.objects["name.info"].content)
    del record["TusReference"]
    stage.s3.objects["name.info"].content = json.dumps(record).encode()
    stage.put_part(upload_id, 1, b"0123456789")
    stage.put_tail(upload_id, b"abc", None)
    assert await stage.offset(upload_id) == 13
    assert await stage.append(upload_id, b"defghij") == 20
    assert await stage.content(upload_id) == b"0123456789abcdefghij"
    assert stage.tail(upload_id) is None


async def test_tusds_tail_is_marked_before_a_part_takes_it_in(stage: Stage) -> None:
    """Else it would count a second time if a crash left it behind that part."""
    upload_id = await stage.create(id="name")
    stage.put_tail(upload_id, b"abc", None)
    before: list[object] = []

    def hook(name: str, _arguments: object, call: object) -> object:
        if name == "upload_part":
            before.append(stage.tail(upload_id))
        return call()  # type: ignore[operator]

    stage.watched.hook = hook
    assert await stage.append(upload_id, b"defgh") == 8
    assert before == [(b"abc", "0")]


async def test_a_wanted_id_that_is_taken_is_refused(stage: Stage) -> None:
    await stage.create(id="name")
    with pytest.raises(Refused) as refused:
        await stage.create(id="name")
    assert refused.value.error == errors.UPLOAD_EXISTS
    assert len(stage.s3.multiparts) == 1


@pytest.mark.parametrize(
    "upload_id", ["name", "+", "name+", "+multi.part_1", "name+other", "a/b+c", "no+multi.part_1"]
)
async def test_what_is_no_upload_is_not_found(stage: Stage, upload_id: str) -> None:
    await stage.create(id="name")
    with pytest.raises(Refused) as refused:
        await stage.offset(upload_id)
    assert refused.value.error == errors.UPLOAD_NOT_FOUND


async def test_a_record_that_cannot_be_stored_leaves_nothing(stage: Stage) -> None:
    stage.watched.fail("put_object", TimeoutError())
    with pytest.raises(Refused):
        await stage.create()
    assert (stage.s3.objects, stage.s3.multiparts) == ({}, {})


async def test_metadata_and_media_type_become_the_objects(stage: Stage) -> None:
    metadata = {"filetype": b"text/plain", "filename": "wü.txt".encode()}
    upload_id = await stage.create(3, id="name", metadata=metadata)
    await stage.append(upload_id, b"abc")
    await stage.content(upload_id)
    made = stage.s3.objects["name"]
    assert made.content_type == "text/plain"
    assert made.metadata == {"filetype": "text/plain", "filename": "w?.txt"}


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"Name": b"a", "name": b"b"}, {"name": "a"}),
        ({"a b:c": b"x", "\u00fc": b"y"}, {"a-b-c": "x", "-": "y"}),
        ({"k": b"a\r\nX: y\x00\xff"}, {"k": "a??X: y??"}),
        ({"k": b" a "}, {"k": "a"}),
        ({"k": b"x" * METADATA_LIMIT, "l": b"y"}, {"l": "y"}),
    ],
)
def test_what_s3_cannot_keep_is_made_harmless_or_left_out(
    metadata: dict[str, bytes], kept: dict[str, str]
) -> None:
    assert object_metadata(metadata) == kept


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        (b"text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        (b"text", None),
        (b"a/b\r\nX: y", None),
        (b"", None),
    ],
)
def test_only_a_media_type_becomes_the_content_type(declared: bytes, kept: str | None) -> None:
    assert content_type({"filetype": declared}) == kept
