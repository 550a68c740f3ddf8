"""The log line `delivery arrived`."""

from __future__ import annotations

from anchorbolt.delivery import Delivery
from anchorbolt.delivery.headers import REQUEST_ID, RETRY_NUM
from anchorbolt.delivery.log_fields import log_fields
from anchorbolt.telemetry.delivery_lines import lines


def log_arrival(delivery: Delivery) -> None:
    """Logs that a delivery has come from Slack, where `lines.takes_arrival()` was true."""
    fields = log_fields(delivery) | {"request_id": delivery.headers.get(REQUEST_ID)}
    if (retry_num := delivery.headers.get(RETRY_NUM)) is not None:
        fields["retry_num"] = retry_num
    lines.arrived(fields)
