"""JSON log lines without structlog, for the master, which writes few. A test compares their format with logs.py's."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from anchorbolt.telemetry.redact import redact


class JsonLine(logging.Formatter):
    """Formats a log record of a library as JSON, with secrets redacted."""

    def format(self, record: logging.LogRecord) -> str:
        """Writes a log record as one line of JSON, with secrets redacted; called by Python's logging."""
        line = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(redact(line))


def configure() -> None:
    """Sends every log line of the process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(capture=True)
