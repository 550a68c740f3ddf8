"""The cookie that binds an installation to the browser that began it: one for each, so that several tabs work.

`__Host-` lets a browser take it from this host alone, over TLS alone and for all paths: no other host of the domain can
plant one. SameSite=Lax, because Slack's page sends the browser back to us, from another site.
"""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from anchorbolt.workspaces.oauth_states import VALID_SECONDS, Begun

# Each is some 110 bytes of every request's head, and proxies let 8 KiB pass.
MOST = 8
_NAME = "anchorbolt-install-"
_NAME_CHARACTERS = 16


class Cookies:
    """The cookies of one app. `secure`: whether browsers reach it over TLS; without, it is somebody's development."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        # Over http, Safari takes neither Secure nor __Host-, not even from localhost.
        self._prefix = f"__Host-{_NAME}" if secure else _NAME

    def set(self, response: Response, begun: Begun, request: Request) -> None:
        """Puts the cookie of an installation that has just `begun` into a `response` to a browser.

        Of the cookies of earlier installations in the `request`, those beyond MOST are deleted.
        """
        others = [name for name in request.cookies if name.startswith(self._prefix)]
        for name in others[: max(0, len(others) - MOST + 1)]:
            self._write(response, name, "", 0)
        self._write(response, self._name(begun.state), begun.cookie, VALID_SECONDS)

    def find(self, request: Request, state: str) -> str | None:
        """Returns what the browser keeps for a state; None: it is not the browser that began it, or it was too long."""
        return request.cookies.get(self._name(state)) or None

    def drop(self, response: Response, state: str) -> None:
        """Takes the cookie of a state back."""
        self._write(response, self._name(state), "", 0)

    def _write(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _name(self, state: str) -> str:
        """The name of a state's cookie, made of its hash, because more places show names of cookies than values."""
        return self._prefix + hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:_NAME_CHARACTERS]
