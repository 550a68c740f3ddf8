"""What the log lines of a delivery say of it (docs/operations/logs.md)."""

from __future__ import annotations

from anchorbolt.delivery.delivery import Delivery
from anchorbolt.delivery.headers import REQUEST_ID
from anchorbolt.telemetry.delivery_lines import Field


def log_fields(delivery: Delivery) -> dict[str, Field]:
    """Returns the first fields of both lines of a delivery."""
    return {
        "key": delivery.key,
        "kind": str(delivery.kind),
        "team": delivery.workspace,
        "conversation": delivery.conversation,
        "lane": delivery.lane,
    }


def failure_fields(delivery: Delivery) -> dict[str, Field]:
    """Returns the fields that say in a line about a failure which delivery it was: as above, but for its kind."""
    fields = log_fields(delivery) | {"request_id": delivery.headers.get(REQUEST_ID)}
    del fields["kind"]
    return fields
