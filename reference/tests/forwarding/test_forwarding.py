"""`forwarding`: what proxies say about a request, and the URLs that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tus_reference.forwarding import client_address
from tus_reference.model import Headers, Request

if TYPE_CHECKING:
    from conftest import ClientFactory


class EmptyBody:
    """No body at all."""

    length = 0
    trailers = Headers()

    async def read_into(self, buffer: memoryview) -> int:
        return 0


def location(start: str) -> str:
    """Return the part of a URL before the id."""
    return start.rpartition("/")[0] + "/"


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, "http://tus.test/files/"),
        ({"X-Forwarded-Proto": "https"}, "https://tus.test/files/"),
        ({"X-Forwarded-Proto": "HTTPS, http"}, "https://tus.test/files/"),
        ({"X-Forwarded-Proto": "gopher"}, "http://tus.test/files/"),
        ({"X-Forwarded-Host": "pub.test, inner"}, "http://pub.test/files/"),
        ({"X-Forwarded-Host": "pub.test:8443", "X-Forwarded-Proto": "https"},
         "https://pub.test:8443/files/"),
        ({"X-Forwarded-Host": "pub.test:443", "X-Forwarded-Proto": "https"},
         "https://pub.test/files/"),
        ({"X-Forwarded-Host": "pub.test:443"}, "http://pub.test:443/files/"),
        ({"X-Forwarded-Port": "8080"}, "http://tus.test:8080/files/"),
        ({"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}, "https://tus.test/files/"),
        ({"X-Forwarded-Port": "80"}, "http://tus.test/files/"),
        ({"X-Forwarded-Port": "x"}, "http://tus.test/files/"),
        ({"Host": "tus.test:81", "X-Forwarded-Port": "8080"}, "http://tus.test:81/files/"),
        ({"Host": "[::1]", "X-Forwarded-Port": "8080"}, "http://[::1]:8080/files/"),
        ({"Host": "[::1]:81", "X-Forwarded-Port": "8080"}, "http://[::1]:81/files/"),
        ({"X-Forwarded-Prefix": "/api"}, "http://tus.test/api/files/"),
        ({"X-Forwarded-Prefix": "/api/"}, "http://tus.test/api/files/"),
        ({"X-Forwarded-Prefix": "/outer, /inner"}, "http://tus.test/outer/inner/files/"),
        ({"X-Forwarded-Prefix": "/"}, "http://tus.test/files/"),
        ({"X-Forwarded-Prefix": "//evil.test"}, "http://tus.test/files/"),
        ({"X-Forwarded-Prefix": "api"}, "http://tus.test/files/"),
        ({"X-Forwarded-Prefix": "/a?b"}, "http://tus.test/files/"),
        ({"X-Forwarded-Host": "pub.test/x"}, "/files/"),
        ({"Forwarded": "proto=https"}, "https://tus.test/files/"),
        ({"Forwarded": "proto=https;host=pub.test"}, "https://pub.test/files/"),
        ({"Forwarded": "Host=pub.test:81 ; Proto=http"}, "http://pub.test:81/files/"),
        ({"Forwarded": 'for=1.2.3.4;host="pub.test:8443";proto=https, host=inner'},
         "https://pub.test:8443/files/"),
        ({"Forwarded": 'for="x;host=evil.test";host=pub.test'}, "http://pub.test/files/"),
        ({"Forwarded": r'for="\"";host="p\ub.test"'}, "http://pub.test/files/"),
        ({"Forwarded": "for=1.2.3.4, host=inner;proto=https"}, "http://tus.test/files/"),
        ({"Forwarded": 'host=pub.test;proto="https'}, "http://tus.test/files/"),
        ({"Forwarded": "host=pub.test proto=https"}, "http://tus.test/files/"),
        ({"Forwarded": "host=pub.test", "X-Forwarded-Host": "other.test",
          "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/api"},
         "https://pub.test/api/files/"),
    ],
)  # fmt: skip
async def test_a_trusted_proxy_says_what_clients_see(
    server: ClientFactory, headers: dict[str, str | None], seen: str
) -> None:
    client = server(respect_forwarded_headers=True)
    answer = await client.request("POST", "/files/", {"Upload-Length": "5", **headers})
    assert (answer.status, location(answer["Location"] or "")) == (201, seen)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"},
        {"X-Forwarded-Port": "81", "X-Forwarded-Prefix": "/evil"},
        {"Forwarded": "host=evil.test;proto=https"},
    ],
)
async def test_other_clients_are_not_trusted(
    server: ClientFactory, headers: dict[str, str | None]
) -> None:
    answer = await server().request("POST", "/files/", {"Upload-Length": "5", **headers})
    assert location(answer["Location"] or "") == "http://tus.test/files/"


@pytest.mark.parametrize(
    ("settings", "headers", "seen"),
    [
        ({}, {}, "/files/"),
        ({"base_path": "/a/b"}, {"Host": "x"}, "/a/b/"),
        ({"respect_forwarded_headers": True}, {"X-Forwarded-Prefix": "/api"}, "/api/files/"),
        ({"base_path": "https://cdn.test/u"}, {}, "/u/"),
    ],
)
async def test_a_relative_location_has_the_whole_path(
    server: ClientFactory, settings: dict[str, Any], headers: dict[str, str | None], seen: str
) -> None:
    client = server(relative_location=True, **settings)
    path = client.handler.upload_urls.path
    answer = await client.request("POST", path, {"Upload-Length": "5", **headers})
    assert (answer.status, location(answer["Location"] or "")) == (201, seen)


@pytest.mark.parametrize(
    "written",
    [
        "https://pub.test/api/files/{id}",
        "HTTPS://Pub.test/api/files/{id}",
        "/api/files/{id}",
        "{id}",
    ],
)
@pytest.mark.parametrize("relative", [False, True])
async def test_partial_uploads_are_found_by_the_urls_that_clients_know(
    server: ClientFactory, written: str, relative: bool
) -> None:
    client = server(respect_forwarded_headers=True, relative_location=relative)
    proxy: dict[str, str | None] = {
        "Forwarded": 'host="pub.test:443";proto=https',
        "X-Forwarded-Prefix": "/api",
    }
    partial = {"Upload-Length": "0", "Upload-Concat": "partial", **proxy}
    first = await client.request("POST", "/files/", partial)
    url = written.format(id=(first["Location"] or "").rpartition("/")[2])
    final = {"Upload-Concat": f"final;{url}", **proxy}
    assert (await client.request("POST", "/files/", final)).status == 201
    elsewhere = {"Upload-Concat": f"final;http://evil.test/{url.rpartition('/')[2]}", **proxy}
    assert (await client.request("POST", "/files/", elsewhere)).status == 400


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "10.0.0.1:5"),
        ({"X-Forwarded-For": "1.2.3.4, 10.0.0.2"}, "1.2.3.4"),
        ({"Forwarded": 'for="[2001:db8::1]:4711", for=x', "X-Forwarded-For": "1.2.3.4"},
         "[2001:db8::1]:4711"),
    ],
)  # fmt: skip
def test_the_client_is_the_first_of_the_chain(headers: dict[str, str], address: str) -> None:
    request = Request("GET", "/", Headers(headers.items()), EmptyBody(), remote_addr="10.0.0.1:5")
    assert client_address(request) == address
