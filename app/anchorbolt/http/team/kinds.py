"""What kinds of applications ROUTES may name: ASGI, WSGI, and routers."""

from __future__ import annotations

import inspect
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.routing import Router


def is_asgi(value: Any) -> bool:
    """Whether a value can be called with scope, receive and send, or is a router. A Bolt app and a class can not."""
    return isinstance(value, Starlette | Router) or _takes(value, 3)


def is_wsgi(value: Any) -> bool:
    """Whether a value can be called with environ and start_response, and with nothing more: Flask, Django, Bottle."""
    return _takes(value, 2) and not _takes(value, 3)


def has_routes(value: Any) -> bool:
    """Whether a value is an application or a router of a framework that says so: FastAPI, Starlette, Flask."""
    # By the type: `flask.request`, which modules import, raises at each look at it outside of a request.
    kind = type(value)
    return issubclass(kind, Starlette | Router) or callable(getattr(kind, "wsgi_app", None))


def _takes(value: Any, arguments: int) -> bool:
    if value is None or not callable(value) or isinstance(value, type | App | AsyncApp):
        return False
    try:
        inspect.signature(value).bind(*[None] * arguments)
    except (TypeError, ValueError):
        return False
    return True
