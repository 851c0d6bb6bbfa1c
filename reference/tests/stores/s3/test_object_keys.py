"""`stores.s3.object_keys`: tusd's objects and names, and which metadata S3 can keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from memory_s3 import MemoryS3, byte_source

from tus_reference.model import FileInfo, Refused, errors
from tus_reference.stores.s3 import S3Store
from tus_reference.stores.s3.object_keys import METADATA_LIMIT, content_type, object_metadata

if TYPE_CHECKING:
    from s3_dialects import Call
    from s3_harness import S3Harness


async def test_an_upload_is_named_after_its_object_and_its_multipart_upload(
    s3_harness: S3Harness,
) -> None:
    upload_id = await s3_harness.create()
    assert upload_id == f"{next(iter(s3_harness.s3.multiparts.values())).key}+multi.part_1"
    assert list(s3_harness.s3.objects) == [upload_id.partition("+")[0] + ".info"]


async def test_the_record_is_tusds(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(500, id="name", metadata={"filename": b"x"})
    written = json.loads(s3_harness.s3.objects["name.info"].content)
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
    await store.write_chunk(upload_id, 0, byte_source(b"ab"))
    multipart = s3.multiparts["multi.part_1"]
    assert sorted([*s3.objects, multipart.key]) == keys
    assert [info.id async for info in store.list_uploads()] == [upload_id]
    await store.terminate(upload_id)
    assert (s3.objects, s3.multiparts) == ({}, {})


async def test_an_upload_that_tusd_began_goes_on(s3_harness: S3Harness) -> None:
    upload_id = await s3_harness.create(20, id="name")
    record = json.loads(s3_harness.s3.objects["name.info"].content)
    del record["TusReference"]
    s3_harness.s3.objects["name.info"].content = json.dumps(record).encode()
    s3_harness.put_part(upload_id, 1, b"0123456789")
    s3_harness.put_tail(upload_id, b"abc", None)
    assert await s3_harness.get_offset(upload_id) == 13
    assert await s3_harness.append(upload_id, b"defghij") == 20
    assert await s3_harness.finish_and_read(upload_id) == b"0123456789abcdefghij"
    assert s3_harness.stored_tail(upload_id) is None


async def test_tusds_tail_is_marked_before_a_part_takes_it_in(s3_harness: S3Harness) -> None:
    """Else it would count a second time if a crash left it behind that part."""
    upload_id = await s3_harness.create(id="name")
    s3_harness.put_tail(upload_id, b"abc", None)
    before: list[object] = []

    def hook(name: str, _arguments: object, call: Call) -> object:
        if name == "upload_part":
            before.append(s3_harness.stored_tail(upload_id))
        return call()

    s3_harness.intercepted.hook = hook
    assert await s3_harness.append(upload_id, b"defgh") == 8
    assert before == [(b"abc", "0")]


async def test_a_wanted_id_that_is_taken_is_refused(s3_harness: S3Harness) -> None:
    await s3_harness.create(id="name")
    with pytest.raises(Refused) as client_error:
        await s3_harness.create(id="name")
    assert client_error.value.error == errors.UPLOAD_EXISTS
    assert len(s3_harness.s3.multiparts) == 1


@pytest.mark.parametrize(
    "upload_id", ["name", "+", "name+", "+multi.part_1", "name+other", "a/b+c", "no+multi.part_1"]
)
async def test_what_is_no_upload_is_not_found(s3_harness: S3Harness, upload_id: str) -> None:
    await s3_harness.create(id="name")
    with pytest.raises(Refused) as client_error:
        await s3_harness.get_offset(upload_id)
    assert client_error.value.error == errors.UPLOAD_NOT_FOUND


async def test_a_record_that_cannot_be_stored_leaves_nothing(s3_harness: S3Harness) -> None:
    s3_harness.intercepted.fail("put_object", TimeoutError())
    with pytest.raises(Refused):
        await s3_harness.create()
    assert (s3_harness.s3.objects, s3_harness.s3.multiparts) == ({}, {})


async def test_metadata_and_media_type_become_the_objects(s3_harness: S3Harness) -> None:
    metadata = {"filetype": b"text/plain", "filename": "wü.txt".encode()}
    upload_id = await s3_harness.create(3, id="name", metadata=metadata)
    await s3_harness.append(upload_id, b"abc")
    await s3_harness.finish_and_read(upload_id)
    made = s3_harness.s3.objects["name"]
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
