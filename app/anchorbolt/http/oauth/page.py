"""What each of the two pages looks at before it does anything: the request's method and size, and how busy we are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from anchorbolt.errors import StoreError
from anchorbolt.http.oauth.pages import Pages
from anchorbolt.telemetry.logs import get_logger

log = get_logger("oauth")

# A code and a state are some 150 characters.
MAX_QUERY_BYTES = 2_048
# Each asks the database, and most of them Slack: a flood of them must leave both to deliveries.
MOST_AT_ONCE = 8
_AGAIN = {"retry-after": "5"}


class PageSlots:
    """How many requests are worked on at once in this process. `is_away`: whether another pod should be asked."""

    def __init__(self, is_away: Callable[[], bool], most: int = MOST_AT_ONCE) -> None:
        self.is_away = is_away
        self.most = most
        self.taken = 0


class Page(ABC):
    """A page as raw ASGI: an instance with `__call__`, which FastAPI and Starlette leave as it is."""

    def __init__(self, pages: Pages, slots: PageSlots) -> None:
        self.pages = pages
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. No input whatever is answered with a 500."""
        response = await self._respond(Request(scope))
        await response(scope, receive, send)

    @abstractmethod
    async def answer(self, request: Request) -> Response:
        """Returns the response to a request that may come in. May raise a StoreError."""

    async def _respond(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        self._slots.taken += 1
        try:
            return await self.answer(request)
        except StoreError as error:
            log.error("an installation waits for the database", error=str(error))
            return self.busy()
        except Exception as error:
            log.exception("an installation failed: a defect of ours", error=type(error).__name__)
            return self.pages.page("failed", 500, word=None)
        finally:
            self._slots.taken -= 1

    def busy(self, status: int = 503) -> Response:
        """Tells the user to come back in a moment. The state is not used up."""
        return self.pages.page("busy", status, headers=_AGAIN)

    def _refused(self, request: Request) -> Response | None:
        """The response to what may not come in, by its head alone."""
        if request.method != "GET":
            return self.pages.page("bad_request", 405, headers={"allow": "GET"})
        if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
            # The body is not read, so the connection cannot be used again.
            return self.pages.page("bad_request", 413, headers={"connection": "close"})
        if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
            return self.pages.page("bad_request", 414)
        if self._slots.is_away():
            return self.busy(425)  # proxies ask another pod on this status
        if self._slots.taken >= self._slots.most:
            return self.busy()
        return None
