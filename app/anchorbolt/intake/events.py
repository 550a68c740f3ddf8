"""Events: each is stored and then acknowledged; its listener runs afterwards."""

from __future__ import annotations

from anchorbolt.delivery import Delivery
from anchorbolt.delivery.headers import REQUEST_ID
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import RefusedError, StoreError, StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.intake.patience import Patience
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.workspaces import Workspaces
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
        self._patience = Patience()

    async def accept(self, delivery: Delivery, deadline: float, retry_num: object = None) -> None:
        """Stores an event by the deadline (the event loop's clock). `retry_num`: the number of Slack's retry.

        Raises RefusedError: 425 when nothing was stored and another pod may be asked, 503 when the time is over.
        """
        self._workspaces.count(delivery.payload.get("team_id"))
        if not self._inbox.up:
            raise RefusedError(425, "store_unavailable")
        reserved = await self._worker.reserve(urgent=is_urgent(delivery.lane))
        accepting = self._worker.accept(delivery, deadline - ANSWER_SECONDS, reserved=reserved)
        self._patience.begin(accepting, deadline)
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
            self._patience.end(accepting)
        if not accepted.new:
            metrics.duplicates.add()
            request_id = delivery.headers.get(REQUEST_ID)
            log.info("duplicate", key=delivery.key, retry_num=retry_num, request_id=request_id)
