"""Small events that went wrong once, as Slack sends them: made anew with ids and fields of a test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import JSON

FOLDER = Path(__file__).parent


def case(name: str, number: int = 1, /, **event: Any) -> Delivery:
    """The event of `p_<name>.json`, with its own event id for each `number` and with these fields in the event."""
    payload = json.loads((FOLDER / f"p_{name}.json").read_text())
    payload["event_id"] += f"-{number}"
    payload["event"] |= event
    found = parse(json.dumps(payload).encode(), JSON)
    assert isinstance(found, Delivery)
    return found
