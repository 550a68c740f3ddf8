"""Writes a log line on a short path: JSON by orjson, without the processors of structlog.

The two lines of each delivery take this path (delivery_lines.py). Redaction holds on it as on the other: all texts of
the line are searched at once for whatever redaction knows, and where it finds anything, or where the line is no plain
one, `write` refuses, and the line goes the long way, which redacts it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from anchorbolt.telemetry import logs
from anchorbolt.telemetry.redact import NAMES_OF_DELIVERIES, without_secrets
from anchorbolt.telemetry.secret_patterns import TRIGGER_ID
from anchorbolt.telemetry.without_rich import structlog


class QuickLine:
    """Writes lines of one logger at level INFO to the handler of the process."""

    def __init__(self, handler: logging.StreamHandler, logger: str) -> None:  # type: ignore[type-arg] # any stream
        self._handler = handler
        self._root = logging.getLogger()
        self._logger = logging.getLogger(logger)

    def write(self, event: str, fields: Mapping[str, str | int | float | bool | None]) -> bool:
        """Writes a line. Returns False where it has to go the long way; then nothing was written.

        The names of the fields are ours, and none of them is one of SECRET_FIELDS.
        """
        handler = self._handler
        # A handler that the team has added gets all lines; what it has bound (structlog.contextvars) is on all lines.
        if len(self._root.handlers) != 1 or self._root.handlers[0] is not handler:
            return False
        if not self._logger.isEnabledFor(logging.INFO) or structlog.contextvars.get_contextvars():
            return False
        texts = [value for value in fields.values() if type(value) is str]
        joined = "\n".join(texts)
        if not joined.isascii() or without_secrets(joined, trigger_ids=False) != joined:
            return False
        if "." in joined and any(
            type(value) is str and "." in value and name not in NAMES_OF_DELIVERIES and TRIGGER_ID.search(value)
            for name, value in fields.items()
        ):
            return False
        line = {**fields, "event": event, "logger": self._logger.name, "level": "info"}
        line["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        text = orjson.dumps(logs.add_run(None, "", line)).decode()
        with handler.lock:  # type: ignore[union-attr] # every handler has made one
            try:
                handler.stream.write(text + handler.terminator)
                handler.flush()
            except Exception:  # as logging.Handler does it: a line that cannot be written harms no delivery
                handler.handleError(self._logger.makeRecord(self._logger.name, logging.INFO, "", 0, event, (), None))
        return True
