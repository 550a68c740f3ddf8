"""The app's worker alone, on the ports of its settings, without gunicorn above it: for tools that count one process."""

from __future__ import annotations

import socket

import uvloop
from anchorbolt import main, settings
from anchorbolt.lifecycle import start


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(2048)
    return listening


if __name__ == "__main__":
    read = settings.load()
    start.configure_logs(read)
    uvloop.run(main.live(read, [_listen(read.port), _listen(read.internal_port)]))
