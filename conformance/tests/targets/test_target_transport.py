"""`targets.target_transport`: TLS, HTTP/2 and proxies of a profile, and their limits."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from memory_run import memory_target, run_suite_in_memory
from minimal_server import StrictMinimalServer
from scripted_server import URL, ReceivedRequest, ScriptedAnswer, ScriptedResponse, open_session

from tus_conformance.targets.origin_guard import OriginGuard
from tus_conformance.targets.profile import Profile, ProfileError, Tls
from tus_conformance.targets.rate import RateLimiter
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import (
    RateLimitedTransport,
    RestrictedTransport,
    UnsupportedByTransportError,
    _load_ssl_context,
    transport_for,
)
from tus_conformance.transport import Http1Transport, HttpRequest, HttpResponse, UnsendableError
from tus_scenarios import Scenario, scenarios

HERE = Path(__file__).parent
PAIR = str(HERE.parent / "transport" / "certificates" / "server.pem")


def guarded(transport: object) -> object:
    """Return the transport behind the guard that keeps requests at the target's origin."""
    assert isinstance(transport, OriginGuard)
    return transport.transport


def test_default_profile_uses_http1_transport() -> None:
    assert isinstance(guarded(transport_for(memory_target())), Http1Transport)


@pytest.mark.parametrize(
    "profile", [Profile(http2=True), Profile(proxy="http://me:pw@127.0.0.1:3128")], ids=str
)
def test_http2_and_proxies_are_relayed(profile: Profile) -> None:
    assert isinstance(guarded(transport_for(memory_target(profile))), RestrictedTransport)
    metered = guarded(transport_for(memory_target(Profile(http2=True, rate=1.0))))
    assert isinstance(metered, RateLimitedTransport)


def test_invalid_proxy_url_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match="The proxy needs a URL"):
        transport_for(memory_target(Profile(proxy="proxy:3128")))


def test_tls_is_the_usual_one_unless_the_profile_says_otherwise() -> None:
    assert _load_ssl_context(Tls()) is None


def test_any_certificate_is_trusted_only_with_insecure() -> None:
    loose, strict = _load_ssl_context(Tls(insecure=True)), _load_ssl_context(Tls(ca=PAIR))
    assert loose is not None
    assert strict is not None
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_NONE, False)
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_authorities_are_added_to_those_of_the_system() -> None:
    with_ours, usual = _load_ssl_context(Tls(ca=PAIR)), _load_ssl_context(Tls(insecure=True))
    assert with_ours is not None
    assert usual is not None
    assert with_ours.cert_store_stats()["x509"] == usual.cert_store_stats()["x509"] + 1


def test_a_certificate_of_the_client_is_loaded() -> None:
    assert _load_ssl_context(Tls(certificate=PAIR)) is not None


FILES = [
    (Tls(ca="/nowhere/ca.pem"), "/nowhere/ca.pem cannot be used for TLS: No such file"),
    (Tls(certificate="/nowhere/c.pem"), "/nowhere/c.pem cannot be used for TLS: No such file"),
    (Tls(ca=__file__), f"{__file__} cannot be used for TLS: "),
    (Tls(certificate=__file__), f"{__file__} cannot be used for TLS: "),
]


@pytest.mark.parametrize(("tls", "says"), FILES)
def test_unusable_tls_file_is_reported(tls: Tls, says: str) -> None:
    with pytest.raises(ProfileError) as raised:
        transport_for(Target(URL, Profile(tls=tls)))
    assert str(raised.value).startswith(says)


class Refusing:
    """Refuses every request, as httpx may."""

    async def send(self, http_request: HttpRequest, *, sink: object = None) -> HttpResponse:
        raise UnsendableError("httpx refuses this.")


async def test_what_httpx_refuses_cannot_pass() -> None:
    with pytest.raises(UnsupportedByTransportError, match="httpx refuses this"):
        await RestrictedTransport(Refusing()).send(HttpRequest("GET", URL))


def shape(scenario: Scenario) -> set[str]:
    """Return what a scenario of data does that only the suite's own HTTP/1.1 can."""
    messages = [step.message for step in scenario.steps if step.message is not None]
    found = {"raw"} if any(each.framing == "raw" or each.to == "*" for each in messages) else set()
    return found | ({"trailers"} if any(each.trailer for each in messages) else set())


async def test_only_what_cannot_pass_is_left_out_and_nothing_fails_for_it() -> None:
    """Over the relay each scenario comes out as it does without, or does not apply."""
    only = ("core.upload-*", "core.patch.*", "checksum-trailer*")
    alone = await run_suite_in_memory(StrictMinimalServer(), only=only)
    relayed = await run_suite_in_memory(
        StrictMinimalServer(), only=only, wrap_route=RestrictedTransport
    )
    told = {each.id: each for each in scenarios()}
    out = 0
    for name, scenario in relayed.scenarios.items():
        if name in told and (told[name].run is not None or shape(told[name])):
            out += scenario.verdict == "not-applicable"
            assert scenario.verdict in {alone.scenarios[name].verdict, "not-applicable"}, name
        elif name in told:
            assert scenario.verdict == alone.scenarios[name].verdict, name
    assert out > 10
    reasons = {each.reason for line in relayed.scenarios.values() for each in line.attempts}
    assert any("neither over HTTP/2 nor through a proxy" in reason for reason in reasons)


async def test_a_metered_route_passes_answers_and_bodies_on() -> None:
    def download(asked: ReceivedRequest) -> ScriptedAnswer:
        return (
            ScriptedResponse(200, body=b"all of it")
            if asked.method == "GET"
            else ScriptedResponse(404)
        )

    got: list[bytes] = []
    async with open_session(download) as here:
        way = RateLimitedTransport(here.transport, RateLimiter(1000))
        answer = await way.send(HttpRequest("GET", URL), sink=got.append)
        async with way.open(HttpRequest("GET", URL)) as held:
            again = await held.finish()
    assert (answer.status, b"".join(got), again.body) == (200, b"all of it", b"all of it")
