"""What an attacker sends without the signing secret: shapes for `bench.abuse`, over blocking sockets.

Three kinds: one request again and again, connections that are held open, and one connection that never stops to send.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.load.prepare import prepare

KIB, MIB = 2**10, 2**20
# The bound on each shape: a server that is slow at it has been asked less often.
SECONDS = 2.0
# How long held connections, and the stream, are looked at: longer than Anchorbolt gives a head or a body (2.5 s).
HELD_SECONDS = 4.0
HELD = 1_000
PROBES = 20
# 7.8 MB of the smallest requests that there are.
TINY = b"GET / HTTP/1.1\r\n\r\n"
FLOOD = 433_333
# No listener is registered for it, so that a signed event costs what comes before the listeners.
EVENT_NAME = "channel_rename"


@dataclass
class Sent:
    """What a shape did: `units` are requests, or connections where those are held."""

    units: int = 0
    bytes: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # by status; "closed" where none came
    held: int | None = None  # held connections that were still open at the end
    probes: list[float] = field(default_factory=list)  # milliseconds of the signed requests that were answered 200


Attack = Callable[[int], Sent]


@dataclass(frozen=True)
class Shape:
    """One way to be a burden. `fresh`: its memory is of interest, so it gets a process of its own."""

    name: str
    attack: Attack
    fresh: bool = False


def shapes() -> list[Shape]:
    """Returns them all, those that leave the memory of a process as it was first."""
    signed = prepare("event", [EVENT_NAME], 0, 4_000)
    example = signed[0]
    large = example.replace(b'"text":"job', b'"text":"' + b"a" * (MIB - 2 * KIB) + b"job", 1)
    length = b"Content-Length: %d" % len(example.partition(b"\r\n\r\n")[2])
    large = large.replace(length, b"Content-Length: %d" % len(large.partition(b"\r\n\r\n")[2]))
    head = example.partition(b"\r\n\r\n")[0]
    begun = wrong(head).replace(length, b"Content-Length: %d" % (MIB - 1)) + b"\r\n\r\n" + b"{" + b"a" * (512 * KIB)
    line = b"POST /slack/events HTTP/1.1\r\nHost: a\r\n"
    return [
        Shape("1,000 idle connections", held(b"", signed)),
        Shape("a signed event of 1.4 kB", repeated(*signed)),
        Shape("no signature headers, 1.4 kB", repeated(without(example))),
        Shape("a stale timestamp, 1.4 kB", repeated(stale(example))),
        Shape("a wrong signature, 1.4 kB", repeated(wrong(example))),
        Shape("no signature headers, 1 MiB", repeated(without(large))),
        Shape("a wrong signature, 1 MiB", repeated(wrong(large))),
        Shape("chunks, the signature in a trailer", repeated(with_trailer(example))),
        Shape("a signed event sent again as a form", repeated(as_form(example))),
        Shape("no HTTP", repeated(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500)),
        Shape("Upgrade, a request as its body", repeated(upgrade(TINY))),
        Shape("a header of 1 MiB", repeated(line + b"x: " + b"a" * MIB + b"\r\n\r\n", count=50)),
        Shape("200,000 headers, 1 MB", repeated(line + b"aa:\r\n" * 200_000 + b"\r\n", count=50)),
        Shape("1,000 slow heads of 8 kB", held(head + b"\r\nx: " + b"a" * 8 * KIB, signed), fresh=True),
        Shape("1,000 slow bodies, 512 KiB of 1 MiB there", held(begun, signed), fresh=True),
        Shape("433,333 pipelined requests, 7.8 MB", flood(TINY * FLOOD), fresh=True),
    ]


def without(request: bytes) -> bytes:
    """The request without its signature headers."""
    lines = request.split(b"\r\n", 9)
    return b"\r\n".join(one for one in lines if not one.startswith(b"X-Slack-"))


def wrong(request: bytes) -> bytes:
    """The request with a signature that is not its own."""
    before, name, after = request.partition(b"X-Slack-Signature: v0=")
    return before + name + b"0" * 64 + after[64:]


def stale(request: bytes) -> bytes:
    """The request, sent long ago."""
    before, name, after = request.partition(b"X-Slack-Request-Timestamp: ")
    return before + name + b"1700000000\r\n" + after.partition(b"\r\n")[2]


def as_form(request: bytes) -> bytes:
    """The request with the same body and signature, as a form."""
    return request.replace(b"application/json", b"application/x-www-form-urlencoded", 1)


def with_trailer(request: bytes) -> bytes:
    """The request in one chunk, with a wrong signature in its head and the right one behind its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    signature = next(line for line in head.split(b"\r\n") if line.startswith(b"X-Slack-Signature"))
    head = wrong(head).replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    return b"%b\r\n\r\n%x\r\n%b\r\n0\r\n%b\r\n\r\n" % (head, len(body), body, signature)


def upgrade(body: bytes) -> bytes:
    """A request that asks for a websocket, with a body."""
    head = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def repeated(*requests: bytes, count: int = 400) -> Attack:
    """Sends them one after the other, on one connection for as long as the server keeps it."""

    def attack(port: int) -> Sent:
        sent, until = Sent(), time.monotonic() + SECONDS
        client = Client(port)
        while sent.units < count and time.monotonic() < until:
            request = requests[sent.units % len(requests)]
            sent.answers[client.ask(request)] += 1
            sent.units += 1
            sent.bytes += len(request)
        client.close()
        return sent

    return attack


def held(beginning: bytes, signed: list[bytes]) -> Attack:
    """Opens connections that send so much and no more, and sends signed requests meanwhile."""

    def attack(port: int) -> Sent:
        sent, began = Sent(units=HELD), time.monotonic()
        with connections() as opened:
            for number in range(HELD):
                with contextlib.suppress(OSError):
                    opened.append(socket.create_connection(("127.0.0.1", port), 5))
                    opened[-1].sendall(beginning)
                    sent.bytes += len(beginning)
                if (number + 1) % (HELD // PROBES) == 0:
                    probe(port, signed[number], sent)
            time.sleep(max(0.0, began + HELD_SECONDS - time.monotonic()))
            sent.held = sum(map(is_open, opened))
        return sent

    return attack


def flood(stream: bytes) -> Attack:
    """Sends it on one connection as fast as the server takes it, and reads the answers."""

    def attack(port: int) -> Sent:
        sent, until = Sent(), time.monotonic() + HELD_SECONDS
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as one:
            one.setblocking(False)
            while time.monotonic() < until:
                writing = [one] if sent.bytes < len(stream) else []
                readable, writable, _ = select.select([one], writing, [], 0.2)
                if readable:
                    answers = one.recv(MIB)
                    sent.answers.update(line[9:12].decode() for line in heads(answers))
                    if not answers:
                        break
                if writable:
                    sent.bytes += one.send(stream[sent.bytes : sent.bytes + 256 * KIB])
        sent.units = max(1, sent.bytes // len(TINY))
        return sent

    return attack


def heads(answers: bytes) -> Iterator[bytes]:
    """The status lines in there; one that is cut between two reads is left out."""
    at = answers.find(b"HTTP/1.1 ")
    while at >= 0:
        yield answers[at : at + 12]
        at = answers.find(b"HTTP/1.1 ", at + 12)


@contextmanager
def connections() -> Iterator[list[socket.socket]]:
    """A list whose connections are closed at the end."""
    opened: list[socket.socket] = []
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


def probe(port: int, request: bytes, sent: Sent) -> None:
    """Sends a signed request on a connection of its own."""
    at, client = time.monotonic(), Client(port)
    status = client.ask(request)
    client.close()
    sent.answers[status] += 1
    if status == "200":
        sent.probes.append((time.monotonic() - at) * 1_000)


def is_open(one: socket.socket) -> bool:
    """Whether the server has not closed it, whatever it said before."""
    one.setblocking(False)
    try:
        while one.recv(KIB):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


class Client:
    """A connection that is opened anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> str:
        """Returns the status of the answer; 'closed' or 'late' where none came."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), 3)
        answer = b""
        try:
            with contextlib.suppress(ConnectionError):  # it may have answered before it read everything
                self._socket.sendall(request)
            while b"\r\n\r\n" not in answer:
                answer += self._received()
            head, _, body = answer.partition(b"\r\n\r\n")
            fields = parsed(head)
            while len(body) < int(fields.get(b"content-length", b"0")):
                body += self._received()
        except TimeoutError:
            self.close()
            return "late"
        except ConnectionError:
            self.close()
            return "closed"
        if fields.get(b"connection") == b"close":
            self.close()
        return head[9:12].decode()

    def close(self) -> None:
        """Closes it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _received(self) -> bytes:
        assert self._socket is not None
        if not (more := self._socket.recv(64 * KIB)):
            raise ConnectionError
        return more


def parsed(head: bytes) -> Mapping[bytes, bytes]:
    """The headers of an answer, in small letters."""
    return dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
