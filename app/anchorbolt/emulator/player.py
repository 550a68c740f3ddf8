"""Plays Slack's part over HTTP: signed requests, 3 s for an answer, and retries of events."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import httpx

from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import Forgery, signed_headers

SLACK_WAITS_SECONDS = 3.0
RETRY_AFTER_SECONDS = (0.0, 60.0, 300.0)

_USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
_HTTP_ERROR, _HTTP_TIMEOUT, _CONNECTION_FAILED = "http_error", "http_timeout", "connection_failed"


@dataclass(frozen=True, slots=True)
class Ack:
    """How the app answered one request.

    `status` is None where no answer came; `failure` is then Slack's retry reason, such as `http_timeout`.
    """

    sample: Sample
    status: int | None
    ack_ms: float
    body: bytes = b""
    headers: httpx.Headers = field(default_factory=httpx.Headers, repr=False)
    retry_num: int = 0
    failure: str | None = None

    @property
    def ok(self) -> bool:
        """Whether Slack counts the request as delivered."""
        return self.failure is None

    @property
    def told(self) -> str:
        """The answer in one word: its status, the reason why there is none, or `ack` for an ack in Socket Mode."""
        return str(self.status or self.failure or "ack")


def request_headers(
    sample: Sample,
    secret: str,
    *,
    now: float | None = None,
    forgery: Forgery | None = None,
    retry_num: int = 0,
    retry_reason: str | None = None,
) -> dict[str, str]:
    """The headers of a request that is signed at `now`, in seconds since 1970 (default: the current time)."""
    headers = {"Content-Type": sample.content_type, "User-Agent": _USER_AGENT}
    headers |= signed_headers(secret, sample.body, now=time.time() if now is None else now, forgery=forgery)
    if retry_num:
        headers |= {"X-Slack-Retry-Num": str(retry_num), "X-Slack-Retry-Reason": retry_reason or _HTTP_TIMEOUT}
    return headers


class Player:
    """Sends samples to one URL, signed with one secret, through a client that the caller owns."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        secret: str,
        *,
        wait_seconds: float = SLACK_WAITS_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._url = url
        self._secret = secret
        self._wait_seconds = wait_seconds
        self._clock = clock

    async def send(
        self, sample: Sample, *, forgery: Forgery | None = None, retry_num: int = 0, retry_reason: str | None = None
    ) -> Ack:
        """Sends a request to the app, and waits for its answer no longer than Slack does.

        `forgery`: what is made wrong about it, if anything. `retry_num` and `retry_reason`: those of Slack's retry, 0
        for a first try.
        """
        headers = request_headers(
            sample,
            self._secret,
            now=self._clock(),
            forgery=forgery,
            retry_num=retry_num,
            retry_reason=retry_reason,
        )
        await anyio.lowlevel.checkpoint()  # httpx loads anyio at its first request: not within the ack time
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._wait_seconds):
                answer = await self._client.post(self._url, content=sample.body, headers=headers, timeout=None)
        except TimeoutError:
            return Ack(sample, None, _ms_since(began), retry_num=retry_num, failure=_HTTP_TIMEOUT)
        except httpx.TransportError:
            return Ack(sample, None, _ms_since(began), retry_num=retry_num, failure=_CONNECTION_FAILED)
        failure = None if answer.is_success else _HTTP_ERROR
        return Ack(sample, answer.status_code, _ms_since(began), answer.content, answer.headers, retry_num, failure)

    async def deliver(self, sample: Sample, *, retry_after: Sequence[float] = RETRY_AFTER_SECONDS) -> list[Ack]:
        """Sends a request and, for an event that failed, Slack's retries, unless the app asked for no retry.

        `retry_after` holds the seconds before each retry. Returns every ack, the last one last.
        """
        acks = [await self.send(sample)]
        if sample.family != "event":
            return acks
        for number, seconds in enumerate(retry_after, start=1):
            last = acks[-1]
            if last.ok or last.headers.get("X-Slack-No-Retry") == "1":
                break
            await asyncio.sleep(seconds)
            acks.append(await self.send(sample, retry_num=number, retry_reason=last.failure))
        return acks

    async def play(self, scene: Scene | None = None, kinds: Iterable[str] = tuple(SAMPLES)) -> AsyncIterator[Ack]:
        """Sends a fresh request of each kind, one after the other, whenever the caller asks for the next."""
        for kind in kinds:
            yield await self.send(make(kind, scene))


def client(*, keep_alive: bool = False, connections: int = 100) -> httpx.AsyncClient:
    """An HTTP client that closes each connection as Slack's does, unless `keep_alive` is set for speed."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections if keep_alive else 0)
    headers = None if keep_alive else {"Connection": "close"}
    return httpx.AsyncClient(limits=limits, headers=headers, trust_env=False, verify=_trusted())


@functools.cache
def _trusted() -> ssl.SSLContext:
    """What every client trusts. Read once: it takes longer than many requests."""
    return httpx.create_ssl_context(trust_env=False)


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
