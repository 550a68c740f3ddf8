"""A request comes to the pod as one whole, so that it is answered below ASGI (docs/decisions/0062)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies.process import Proxy
from tests.integration.ingress.reads import Seen, bodies, send, upstreams

TIMES = 5


@pytest.mark.parametrize("apart", [False, True], ids=["in one write", "in two writes"])
def test_a_request_comes_in_one_read(proxy_kind: type[Proxy], apart: bool, tmp_path: Path) -> None:
    """Head and body reach the pod together, though the client sends them apart: the proxy waits for the body anyway."""
    seen: dict[str, Seen] = {}
    with (
        Cluster(2).running(stand_ins=False) as cluster,
        upstreams(cluster, seen),
        proxy_kind(cluster, tmp_path).running() as proxy,
    ):
        for media_type, body in bodies().values():
            send(("127.0.0.1", proxy.port), media_type, body, apart=apart, kept=False, times=TIMES)

    apart_at_the_pod = {media_type: one.reads for media_type, one in seen.items() if one.express < one.reads.total()}
    assert seen.keys() == {media_type for media_type, _ in bodies().values()}
    assert not apart_at_the_pod
