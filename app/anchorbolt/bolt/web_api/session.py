"""The aiohttp session that all Web API calls of the process share, and its limits."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import aiohttp
import orjson

from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.request import Request

# As many as deliveries run at once by default. A call that waits for a free connection waits within its time limit.
CONNECTIONS = 200
# The limit of a request that comes without one: those of respond().
TIMEOUT_SECONDS = 30
# A connection that was idle for longer is closed: the other side would close it soon, perhaps while we write to it.
IDLE_SECONDS = 15.0
# Maps every digit to a zero, so that one search finds a row of digits that may not fit into 64 bits.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
# What slack_sdk refuses to write, this refuses too.
_AS_STANDARD = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


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


def dumps(value: Any) -> bytes:
    """Writes JSON with orjson, and with the standard library what orjson refuses.

    That is, for example, keys that are numbers, integers beyond 64 bits and half of a surrogate pair.

    Raises:
        TypeError: the value holds what has no JSON.
        ValueError: the value contains itself.
    """
    try:
        return orjson.dumps(value, option=_AS_STANDARD)
    except TypeError:
        return json.dumps(value).encode()


def loads(body: bytes) -> Any:
    """Reads JSON with orjson, where the standard library would read the same.

    Raises:
        ValueError: the body is no JSON, or it is for the standard library to read: an integer that may be beyond 64
            bits (orjson makes a float of it), NaN, half of a surrogate pair.
    """
    if _LONG_NUMBER in body.translate(_DIGITS):  # many times faster than a regular expression
        raise ValueError("a number with 19 digits or more")
    return orjson.loads(body)
