"""JSON as the Web API's calls write and read it: orjson's, wherever the standard library would say the same."""

from __future__ import annotations

import json
from typing import Any

import orjson

# Maps every digit to a zero, so that one search finds a row of digits that may not fit into 64 bits.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
# What slack_sdk refuses to write, this refuses too.
_AS_STANDARD = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


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
