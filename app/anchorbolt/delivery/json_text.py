"""JSON as Slack sends it: orjson does it, and what that refuses but JSON allows is left to the standard library.

That is half of a surrogate pair, and what is nested deeper than orjson writes.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson


def read(text: str) -> Any:
    """Raises ValueError for what is no JSON, or nested too deep to be read."""
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deep") from None


def write(value: Any) -> str:
    """Raises ValueError for what is nested too deep."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        try:
            return json.dumps(value, separators=(",", ":"))
        except RecursionError:
            raise ValueError("nested too deep") from None


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
