"""`python distance.py PREFIX MILLISECONDS`: a switch between three sites and the host, with distance and cuts.

It makes a TAP device for each (PREFIX-t1, -t2, -t3 and -t254) and passes frames on: between two sites after so many
milliseconds, between a site and the host at once. Many kernels have no netem. What is cut vanishes without a word, as
on a line that somebody dug up. Orders, a line each, come on standard input: `cut 1`, `mend 1`, `cut 1 2`, `mend 1 2`.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import struct
import sys
import time

HOST = 254
SITES = (1, 2, 3)
TUNSETIFF, TAP_WITHOUT_HEAD = 0x400454CA, 0x1002
MOST_BYTES = 16_384


def tap(name: str) -> int:
    """Makes a TAP device. Its file descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), TAP_WITHOUT_HEAD))
    return device


class Switch:
    """Frames by the last byte of the address that they are for; what is for all goes to all."""

    def __init__(self, prefix: str, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._devices = {number: tap(f"{prefix}-t{number}") for number in (*SITES, HOST)}
        self._numbers = {device: number for number, device in self._devices.items()}
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._cut: set[frozenset[int]] = set()

    def run(self) -> None:
        """Until standard input ends."""
        sources = [*self._numbers, sys.stdin.fileno()]
        while True:
            wait = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            ready, _, _ = select.select(sources, (), (), wait)
            for source in ready:
                if source in self._numbers:
                    self._read(source)
                elif not self._obey(os.read(source, 4096).decode()):
                    return
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                _, _, to, frame = heapq.heappop(self._waiting)
                self._write(to, frame)

    def _obey(self, orders: str) -> bool:
        for line in orders.splitlines():
            what, *numbers = line.split()
            sites = frozenset(map(int, numbers))
            change = self._cut.add if what == "cut" else self._cut.discard
            change(sites)
            print("done", flush=True)  # noqa: T201 - its answer
        return bool(orders)

    def _read(self, source: int) -> None:
        begin = self._numbers[source]
        for _ in range(64):
            try:
                frame = os.read(source, MOST_BYTES)
            except BlockingIOError:
                return
            for end in self._devices if frame[0] & 1 else (frame[5],):
                if end == begin or end not in self._devices:
                    continue
                if self._cut and {frozenset((begin,)), frozenset((end,)), frozenset((begin, end))} & self._cut:
                    continue
                if HOST in (begin, end) or not self._delay_seconds:
                    self._write(end, frame)
                    continue
                self._count += 1
                heapq.heappush(self._waiting, (time.monotonic() + self._delay_seconds, self._count, end, frame))

    def _write(self, to: int, frame: bytes) -> None:
        try:
            os.write(self._devices[to], frame)
        except OSError:
            return  # its queue is full, or its link is not up yet: a lost frame


if __name__ == "__main__":
    Switch(sys.argv[1], float(sys.argv[2]) / 1000).run()
