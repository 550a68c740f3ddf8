"""A stand-in for the cluster's DNS: A records of the pods, nothing else."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

_A, _NO_ERROR, _NO_SUCH_NAME = 1, 0, 3


class Names(asyncio.DatagramProtocol):
    """Answers from `addresses`, which may change at any time."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    async def listen(self) -> None:
        """Opens a UDP port on loopback."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """No more answers."""
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One question, one answer."""
        labels, at = [], 12
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question, kind = data[12 : at + 5], int.from_bytes(data[at + 1 : at + 3], "big")
        address = self.addresses.get(".".join(labels).lower())
        records = b""
        if address and kind == _A:
            records = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address)
        code = _NO_ERROR if address else _NO_SUCH_NAME
        head = data[:2] + bytes((0x84, 0x80 | code)) + b"\0\1" + (b"\0\1" if records else b"\0\0") + b"\0\0\0\0"
        transport = cast(asyncio.DatagramTransport, self._transport)
        transport.sendto(head + question + records, addr)
