"""The proxies, each started with the files of its folder under ingress/, rendered for loopback."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.ingress.proxies.envoy_gateway import EnvoyGateway
from tests.integration.ingress.proxies.haproxy import HAProxy
from tests.integration.ingress.proxies.haproxy_ingress import HAProxyIngress
from tests.integration.ingress.proxies.nginx import NginxGatewayFabric, NginxIngress
from tests.integration.ingress.proxies.process import Proxy

PROXIES: list[type[Proxy]] = [HAProxy, HAProxyIngress, EnvoyGateway, NginxIngress, NginxGatewayFabric]


def those(which: Callable[[type[Proxy]], bool] = lambda kind: True) -> list[Any]:
    """The proxies of which a promise is made, for pytest.mark.parametrize."""
    return [pytest.param(kind, id=kind.name) for kind in PROXIES if which(kind)]


__all__ = [
    "PROXIES",
    "EnvoyGateway",
    "HAProxy",
    "HAProxyIngress",
    "NginxGatewayFabric",
    "NginxIngress",
    "Proxy",
    "those",
]
