"""The aiohttp session that all Web API calls of the process share, and its limits."""

from __future__ import annotations

from functools import lru_cache

import aiohttp

from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.json_bytes import dumps
from anchorbolt.bolt.web_api.request import Request

# As many as deliveries run at once by default. A call that waits for a free connection waits within its time limit.
CONNECTIONS = 200
# The limit of a request that comes without one: those of respond().
TIMEOUT_SECONDS = 30
# A connection that was idle for longer is closed: the other side would close it soon, perhaps while we write to it.
IDLE_SECONDS = 15.0


def create() -> aiohttp.ClientSession:
    """Opens a session. A call of a client brings its own time limit. Needs a running event loop."""
    return aiohttp.ClientSession(
        connector=Connector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),  # the Web API needs no cookies, and looking them up costs time
        json_serialize_bytes=dumps,
        request_class=Request,
    )


@lru_cache(maxsize=100)
def time_limit(seconds: float | None) -> aiohttp.ClientTimeout:
    """Makes the limit of one request from `client.timeout`: the wait for a free connection, sending and receiving."""
    return aiohttp.ClientTimeout(total=seconds)
