"""What of a connection passes through a proxy: a half-closed end, and the wait for 100 (Continue).

A proxy has connections of its own to the server. Many take a client that half-closes its connection
for one that is gone, and send 100 to all that wait for it, before the server has seen the request.
"""

from __future__ import annotations

from tus_conformance.discovery.composed_request import compose_patch
from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.discovery.prober import Prober
from tus_conformance.discovery.response_origin import GATEWAY_FAILURES
from tus_conformance.transport import Break, InjectedFault, Payload

HALF_CLOSED_WITHIN = "half-closed within the body"
HALF_CLOSED_AFTER = "half-closed after the body"
EXPECT_REFUSED = "100 before a refusal"

_SIZE = 10
_BODY = Payload.zeros(_SIZE)
_SECONDS = 3.0


async def find_hidden_behaviour(prober: Prober, name: str) -> dict[str, str]:
    """Return what cannot be seen through a proxy of a name, each with the reason."""
    hidden = {}
    for key, sent in ((HALF_CLOSED_WITHIN, _SIZE // 2), (HALF_CLOSED_AFTER, _SIZE)):
        if await _loses_half_closed(prober, sent):
            hidden[key] = (
                f"Nothing can be seen of this through {name}: a client that half-closes its"
                f" connection gets no response, because {name}, or the server, takes it for gone."
                f" Run the suite without {name}."
            )
    if await _continues_before_refusal(prober):
        hidden[EXPECT_REFUSED] = (
            f"Nothing can be seen of this through {name}: clients get 100 (Continue) before the"
            f" response that refuses their request, from {name} or from the server. Run the suite"
            f" without {name}."
        )
    return hidden


async def _loses_half_closed(prober: Prober, sent: int) -> bool:
    """Return whether a PATCH gets no response whose connection is half-closed after some bytes."""
    _, url = await prober.create_upload(("Upload-Length", str(_SIZE)))
    if url is None:
        return False
    half_close = InjectedFault(Break("half"), sent)
    request = compose_patch(prober.target, url, 0, _BODY, faults=(half_close,))
    response = await prober.transport.send(request)
    fails = response.status in GATEWAY_FAILURES and not speaks_tus(response)
    return fails or (response.status is None and response.closed)


async def _continues_before_refusal(prober: Prober) -> bool:
    """Return whether 100 comes before the refusal of a PATCH at a wrong offset."""
    _, url = await prober.create_upload(("Upload-Length", str(2 * _SIZE)))
    if url is None:
        return False
    request = compose_patch(prober.target, url, 7, _BODY, ("Expect", "100-continue"))
    async with prober.transport.open(request) as pending:
        first = await pending.receive_status(_SECONDS)
        await pending.cut("rst")
    return first == 100
