"""Events: each is stored and then acknowledged; its listener runs afterwards."""

from __future__ import annotations

import asyncio

from anchorbolt.delivery import Delivery
from anchorbolt.delivery.headers import REQUEST_ID, RETRY_NUM
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import RefusedError, StoreError, StoreUnavailableError
from anchorbolt.inbox.accept import Accepted
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.workspaces import Workspaces
from anchorbolt.timers import call_at
from anchorbolt.worker.worker import Worker

log = get_logger("intake")

# The last try to store ends this long before the deadline, so that its outcome decides the answer, not a timeout.
ANSWER_SECONDS = 0.2


class Events:
    """Accepts events: each is stored before Slack gets its 200, or refused."""

    def __init__(self, inbox: Inbox, worker: Worker, workspaces: Workspaces | None = None) -> None:
        self._inbox = inbox
        self._worker = worker
        self._workspaces = workspaces or Workspaces()

    async def accept(self, delivery: Delivery, deadline: float) -> None:
        """Stores an event by the deadline (the event loop's clock).

        Raises RefusedError: 425 when nothing was stored and another pod may be asked, 503 when the time is over.
        """
        self._workspaces.count(delivery.payload.get("team_id"))
        if not self._inbox.up:
            raise RefusedError(425, "store_unavailable")
        reserved = await self._worker.reserve(urgent=is_urgent(delivery.lane))
        accepting = self._worker.accept(delivery, deadline - ANSWER_SECONDS, reserved=reserved)
        # A Timeout would cancel the task, and so cost twice as much.
        late = call_at(deadline, _give_up, accepting)
        try:
            accepted = await accepting
        except TimeoutError:
            # It may still be stored: then it runs, and the retry that follows finds it by its key.
            raise RefusedError(503, "store_timeout") from None
        except StoreUnavailableError:
            raise RefusedError(425, "store_unavailable") from None
        except StoreError:
            raise RefusedError(503, "store_failed") from None
        finally:
            late.cancel()
        if not accepted.new:
            metrics.duplicates.add()
            headers = delivery.headers
            log.info(
                "duplicate",
                key=delivery.key,
                retry_num=headers.get(RETRY_NUM),
                request_id=headers.get(REQUEST_ID),
            )


def _give_up(accepting: asyncio.Future[Accepted]) -> None:
    """Ends the wait for an accept, which goes on."""
    if not accepting.done():
        accepting.set_exception(TimeoutError())
