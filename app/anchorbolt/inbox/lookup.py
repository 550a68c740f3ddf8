"""What the queries of operators have in common: which delivery a name means, and since when one runs."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func

from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import delivery


def is_named(name: str) -> ColumnElement[bool]:
    """The delivery with this key, or with this id."""
    has_key = delivery.c.key == name
    return has_key | (delivery.c.id == int(name)) if name.isascii() and name.isdecimal() and len(name) < 19 else has_key


def running_seconds() -> ColumnElement[float]:
    """Since when a delivery runs, if it does: its last attempt began with its claim, or with its arrival."""
    return now() - func.coalesce(delivery.c.started_at, delivery.c.received_at)
