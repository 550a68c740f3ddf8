"""A taken port is known before the app starts."""

from __future__ import annotations

import socket

import pytest
from anchorbolt.errors import InvalidSettingsError, PortTakenError
from anchorbolt.lifecycle.ports import reachable, require_free

from tests.support.ports import free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_named_with_its_setting(host: str) -> None:
    """A port that somebody listens on is refused, also where we would listen on every address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is taken.*INTERNAL_PORT"):
            require_free(host, port, "INTERNAL_PORT")


def test_a_free_port_is_still_free_after_the_look() -> None:
    """Looking takes nothing: the port can be listened on afterwards."""
    port = free_port()
    require_free("127.0.0.1", port, "PORT")
    socket.create_server(("127.0.0.1", port)).close()


def test_a_host_that_is_not_ours_is_a_wrong_setting() -> None:
    """An address that this machine does not have is named as HOST, with what the system says."""
    with pytest.raises(InvalidSettingsError, match=r"HOST, PORT: 192\.0\.2\.1:0 cannot be listened on"):
        require_free("192.0.2.1", 0, "PORT")


@pytest.mark.parametrize(
    ("host", "address"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.1.2.3", "10.1.2.3")]
)
def test_a_server_on_every_address_is_reached_on_loopback(host: str, address: str) -> None:
    """A host to listen on becomes an address to ask, as a URL has it."""
    assert reachable(host) == address
