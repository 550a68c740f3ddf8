"""How many connections a port keeps, and which of them goes for a new one."""

from __future__ import annotations

import resource

import pytest
from anchorbolt.http.limits.connections import MAX_CONNECTIONS, RESERVED_DESCRIPTORS, max_connections

from tests.support.told_server import request, told_server
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (256, 128),
        (1024, 1024 - RESERVED_DESCRIPTORS),
        (1_048_576, MAX_CONNECTIONS),
        (resource.RLIM_INFINITY, MAX_CONNECTIONS),
    ],
)
def test_the_probes_keep_descriptors(monkeypatch: pytest.MonkeyPatch, files: int, expected: int) -> None:
    """The public port has fewer connections than the process may have files."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert max_connections() == expected


async def test_idle_connections_keep_nobody_out() -> None:
    """At the bound the connection that is idle longest goes; one with a request in flight, or a newer one, stays."""
    async with told_server(max_connections=3) as told:
        busy = await told.connect()
        await busy.send(request(b"first"))
        await told.until_begun("first")
        idle = []
        for _ in range(3):
            idle.append(await told.connect())
            await idle[-1].send(request(b"now"))
            assert (await idle[-1].answer())[0] == 200
        assert await idle[0].is_closed()
        await until(lambda: len(told.server.server_state.connections) == 3, what="three are left")
        told.application.tell("first")
        assert (await busy.answer())[0] == 200
