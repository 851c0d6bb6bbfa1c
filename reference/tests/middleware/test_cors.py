"""`middleware.cors`: headers with which pages of other origins upload and read responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tus_reference.handler import ConfigError
from tus_reference.middleware import Cors, Respond
from tus_reference.model import Request, Response

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient, ReceivedResponse

PAGE = {"Origin": "https://app.test"}
PREFLIGHT_HEADERS = {**PAGE, "Access-Control-Request-Method": "PATCH", "Tus-Resumable": None}
PRIVATE = {"Access-Control-Request-Private-Network": "true"}


class RejectAllLayer:
    """A layer that knows nobody."""

    async def answer(self, request: Request, respond: Respond) -> Response:
        return Response(401, (("WWW-Authenticate", "Bearer"),), b"who are you?")


def listed(answer: ReceivedResponse, name: str) -> set[str]:
    """Return the members of a list header in lower case."""
    return {part.strip().lower() for part in (answer.headers.joined(name) or "").split(",")} - {""}


def cors(answer: ReceivedResponse) -> dict[str, str]:
    """Return the headers of CORS, by what follows the prefix."""
    prefix = "access-control-"
    items = answer.headers.items()
    return {name.removeprefix(prefix): v for name, v in items if name.startswith(prefix)}


@pytest.fixture
def open_client(server: ClientFactory) -> HandlerClient:
    return server(layers=(Cors(),))


@pytest.mark.parametrize("path", ["/files/", "/files/unknown", "/elsewhere"])
async def test_a_preflight_passes_on_every_path(open_client: HandlerClient, path: str) -> None:
    answer = await open_client.request("OPTIONS", path, PREFLIGHT_HEADERS)
    assert (answer.status, answer.body, answer["Content-Length"]) == (204, b"", None)
    assert answer["Access-Control-Allow-Origin"] == "https://app.test"
    assert answer["Access-Control-Max-Age"] == "86400"
    assert answer["Vary"] == "Origin"
    methods = {"post", "head", "patch", "options", "get", "delete"}
    assert listed(answer, "Access-Control-Allow-Methods") == methods
    assert {
        "authorization", "content-type", "tus-resumable", "upload-checksum", "upload-concat",
        "upload-defer-length", "upload-length", "upload-metadata", "upload-offset",
        "x-http-method-override", "x-request-id", "x-requested-with",
    } <= listed(answer, "Access-Control-Allow-Headers")  # fmt: skip
    assert set(cors(answer)) == {"allow-origin", "allow-methods", "allow-headers", "max-age"}


async def test_a_preflight_says_what_the_server_is_able_to_do(open_client: HandlerClient) -> None:
    answer = await open_client.request(
        "OPTIONS", "/files/", {**PREFLIGHT_HEADERS, "Tus-Resumable": "9"}
    )
    assert (answer["Tus-Version"], answer["Tus-Resumable"]) == ("1.0.0", "1.0.0")
    assert "creation" in listed(answer, "Tus-Extension")


async def test_a_preflight_needs_no_permission_but_the_request_does(server: ClientFactory) -> None:
    client = server(layers=(Cors(), RejectAllLayer()))
    answer = await client.request("OPTIONS", "/files/", PREFLIGHT_HEADERS)
    assert (answer.status, answer.body, answer["WWW-Authenticate"]) == (204, b"", None)
    answer = await client.request("POST", "/files/", {**PAGE, "Upload-Length": "1"})
    assert (answer.status, answer.body) == (401, b"who are you?")
    assert answer["Access-Control-Allow-Origin"] == "https://app.test"


async def test_a_method_override_is_no_preflight(open_client: HandlerClient) -> None:
    path = await open_client.create(0)
    override: dict[str, str | None] = {"X-HTTP-Method-Override": "DELETE", "Tus-Resumable": "1.0.0"}
    answer = await open_client.request("OPTIONS", path, {**PREFLIGHT_HEADERS, **override})
    assert answer.status == 204
    assert "allow-methods" not in cors(answer)
    assert (await open_client.head(path)).status == 410


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/files/", {"Upload-Length": "5"}, 201),
        ("POST", "/files/", {}, 400),
        ("HEAD", "/files/unknown", {}, 404),
        ("PATCH", "/files/unknown", {"Content-Type": "text/plain"}, 415),
        ("POST", "/files/", {"Tus-Resumable": "0.2.2"}, 412),
        ("PUT", "/files/", {}, 405),
        ("GET", "/elsewhere", {}, 404),
        ("OPTIONS", "/files/", {}, 204),
    ],
)
async def test_pages_may_read_every_answer(
    open_client: HandlerClient, method: str, path: str, headers: dict[str, str | None], status: int
) -> None:
    answer = await open_client.request(method, path, {**PAGE, **headers})
    assert answer.status == status
    assert answer["Access-Control-Allow-Origin"] == "https://app.test"
    assert answer["Vary"] == "Origin"
    assert set(cors(answer)) == {"allow-origin", "expose-headers"}
    exposed = listed(answer, "Access-Control-Expose-Headers")
    told = {name for name, _ in answer.headers.items() if name.startswith(("tus-", "upload-"))}
    assert told <= exposed
    assert {
        "location", "tus-checksum-algorithm", "tus-extension", "tus-max-size", "tus-resumable",
        "tus-version", "upload-concat", "upload-defer-length", "upload-expires", "upload-length",
        "upload-metadata", "upload-offset",
    } <= exposed  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "origin", "allowed"),
    [
        ({}, "https://app.test", True),
        ({}, "null", True),
        ({"allow_origin": r"https://app\.test"}, "https://app.test", True),
        ({"allow_origin": r"https://app\.test"}, "https://app.test.evil", False),
        ({"allow_origin": r"https://app\.test"}, "https://evil/https://app.test", False),
        ({"allow_origin": r"https://app\.test|https://b\.test"}, "https://b.test", True),
        ({"allow_origin": r"https://(.+\.)?app\.test"}, "https://a.b.app.test", True),
        ({"allow_origin": r"https://app\.test"}, "null", False),
    ],
)
async def test_the_pattern_has_to_match_the_whole_origin(
    server: ClientFactory, settings: dict[str, Any], origin: str, allowed: bool
) -> None:
    client = server(layers=(Cors(**settings),))
    answers = [
        await client.request("OPTIONS", "/files/", {**PREFLIGHT_HEADERS, "Origin": origin}),
        await client.request("POST", "/files/", {"Origin": origin, "Upload-Length": "1"}),
    ]
    assert [answer.status for answer in answers] == [204, 201]
    told = [cors(answer).get("allow-origin") for answer in answers]
    assert told == ([origin, origin] if allowed else [None, None])
    assert [answer["Vary"] for answer in answers] == ["Origin", "Origin"]
    assert allowed or [cors(answer) for answer in answers] == [{}, {}]


async def test_without_an_origin_only_vary_is_sent(open_client: HandlerClient) -> None:
    answer = await open_client.request("OPTIONS", "/files/")
    assert (answer["Vary"], cors(answer)) == ("Origin", {})


async def test_credentials_names_and_ages_are_what_the_settings_say(server: ClientFactory) -> None:
    client = server(
        layers=(
            Cors(
                allow_origin=r"https://app\.test",
                allow_credentials=True,
                allow_methods=("PUT",),
                allow_headers=("X-Mine",),
                expose_headers=("X-Yours",),
                max_age=60,
            ),
        )
    )
    preflight = await client.request("OPTIONS", "/files/", PREFLIGHT_HEADERS)
    answer = await client.request("POST", "/files/", {**PAGE, "Upload-Length": "1"})
    assert preflight["Access-Control-Allow-Credentials"] == "true"
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert preflight["Access-Control-Max-Age"] == "60"
    assert {"put", "patch"} <= listed(preflight, "Access-Control-Allow-Methods")
    assert {"x-mine", "upload-offset"} <= listed(preflight, "Access-Control-Allow-Headers")
    assert {"x-yours", "location"} <= listed(answer, "Access-Control-Expose-Headers")


@pytest.mark.parametrize(("granted", "told"), [(True, "true"), (False, None)])
async def test_a_private_network_is_opened_only_if_asked_and_allowed(
    server: ClientFactory, granted: bool, told: str | None
) -> None:
    client = server(layers=(Cors(allow_private_network=granted),))
    name = "Access-Control-Allow-Private-Network"
    assert (await client.request("OPTIONS", "/files/", {**PREFLIGHT_HEADERS, **PRIVATE}))[
        name
    ] == told
    assert (await client.request("OPTIONS", "/files/", PREFLIGHT_HEADERS))[name] is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"allow_origin": "("}, "not a regular expression"),
        ({"allow_credentials": True}, "need a pattern of allowed origins"),
        ({"allow_headers": ("X-A\r\nX-B",)}, "is not a valid method or header name"),
        ({"expose_headers": ("",)}, "is not a valid method or header name"),
        ({"max_age": -1}, "a number of seconds"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Cors(**settings)
