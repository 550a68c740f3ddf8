"""Which ports to listen on, and whether they are free, for an early and short error message."""

from __future__ import annotations

import errno
import socket

from anchorbolt.errors import InvalidSettingsError, PortTakenError
from anchorbolt.settings.of_master import MasterSettings


def free_ports(settings: MasterSettings) -> list[int]:
    """Returns the ports that the settings ask for: PORT, unless this process receives no HTTP, and INTERNAL_PORT last.

    Raises PortTakenError if one is in use, and InvalidSettingsError if its address cannot be used.
    """
    ports = {"PORT": settings.port} if settings.has_public_port else {}
    ports["INTERNAL_PORT"] = settings.internal_port
    for setting, port in ports.items():
        require_free(settings.host, port, setting)
    return list(ports.values())


def require_free(host: str, port: int, setting: str) -> None:
    """Raises PortTakenError when the port is in use, and InvalidSettingsError when the address cannot be used.

    `host`: the address to listen on. `setting`: the setting that the port is from, for the message.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(port, setting) from None
            raise InvalidSettingsError(
                [f"HOST, {setting}: {host}:{port} cannot be listened on: {error.strerror}"]
            ) from None


def reachable(host: str) -> str:
    """The address, in the form of a URL, at which this machine reaches a server that listens on `host`."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"[{own}]" if ":" in own else own
