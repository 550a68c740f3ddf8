"""/region says whether the region of a pod should get traffic: by the pod and the operator, not by the database."""

from __future__ import annotations

import httpx
from anchorbolt.lifecycle import probes
from anchorbolt.lifecycle.pod import Pod, State


async def asked(pod: Pod, *, drained: bool) -> int:
    """The status of the page."""
    application = probes.create(pod, {"/region": probes.region_page(pod, lambda: drained)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://pod") as http:
        return (await http.get("/region")).status_code


async def test_what_the_page_says() -> None:
    """200 for a pod that is ready; 503 while it starts or drains, and when its region is drained by hand."""
    pod = Pod(0, on_drain=lambda: None, on_lapse=lambda: None)
    assert await asked(pod, drained=False) == 503
    pod.become(State.READY)
    assert await asked(pod, drained=False) == 200
    assert await asked(pod, drained=True) == 503
    pod.become(State.DRAINING)
    assert await asked(pod, drained=False) == 503
