"""The sockets of the app: `dev` opens them and keeps them, so that they outlive each process that serves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from anchorbolt.lifecycle.ports import free_ports
from anchorbolt.settings.model import Settings

BACKLOG = 2048  # as gunicorn's


@contextmanager
def listening(settings: Settings) -> Iterator[list[socket.socket]]:
    """Listens on PORT, unless this process receives no HTTP, and on INTERNAL_PORT, which comes last.

    Raises PortTakenError and InvalidSettingsError as `serve` does.
    """
    ports = free_ports(settings.of_master)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                socket.create_server(
                    (settings.host, port),
                    family=family,
                    backlog=BACKLOG,
                    dualstack_ipv6=family is socket.AF_INET6 and socket.has_dualstack_ipv6(),
                )
            )
            for port in ports
        ]
