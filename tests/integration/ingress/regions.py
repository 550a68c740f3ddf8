"""Tiers of several regions, each with the shipped files, before stand-in pods of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.integration.ingress.pods import Cluster
from tests.integration.ingress.proxies import HAProxy
from tests.integration.ingress.proxies.process import INGRESS, replaced
from tests.support.ports import free_port

# What each tier knows: this is the map of both.
HOMES = """
# workspaces of the tests
T0EU        eu
T0US        us
T0EUROPE*   eu
T0E*        us
hash:0-99   eu
"""


class RegionTier(HAProxy):
    """The tier of one region. `peers` holds the name and the hop's address of each other one."""

    scale = 2

    def __init__(self, cluster: Cluster, directory: Path, region: str, certificates: Path) -> None:
        super().__init__(cluster, directory)
        self.region = region
        self.hop_port = free_port()
        self.peers: dict[str, str] = {}
        self.homes = HOMES
        self._certificates = certificates

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """The shipped files, on ports of loopback; what the tier found is told to the pods too."""
        command, environment = super().render()
        (self.directory / "region.lua").write_text((INGRESS / "haproxy" / "region.lua").read_text())
        (self.directory / "homes.map").write_text(self.homes)
        told = "    http-request set-header x-test-workspace %[var(txn.workspace)] if { var(txn.workspace) -m found }\n"
        changes = {
            "bind :8443": f"bind 127.0.0.1:{self.hop_port}",
            "    use_backend unbuffered": f"{told}    use_backend unbuffered",
        }
        text = replaced((self.directory / "haproxy.cfg").read_text(), changes)
        (self.directory / "haproxy.cfg").write_text(text)
        return command, {
            **environment,
            "REGION": self.region,
            "PEERS": " ".join(f"{name}={address}" for name, address in self.peers.items()),
            "REGION_DIRECTORY": str(self.directory),
            "REGION_TLS_DIRECTORY": str(self._certificates),
        }
