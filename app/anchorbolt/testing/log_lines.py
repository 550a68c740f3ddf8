"""Our own log lines under pytest: among those that it captures and shows for a test that failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anchorbolt.telemetry.without_rich import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger


def configure() -> None:
    """Sends our lines through `logging`, where pytest finds them. A team's own configuration of structlog stays."""
    ours = logging.getLogger("anchorbolt")
    if ours.level == logging.NOTSET:
        ours.setLevel(logging.INFO)  # at this level it says that nobody listens to something, and what there is instead
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, _as_line],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _as_line(_: WrappedLogger, __: str, line: EventDict) -> str:
    line.pop("traceback", None)  # pytest shows that of the error that `send` raises
    exception = line.pop("exception", None)
    told = " ".join([str(line.pop("event", "")), *(f"{name}={value}" for name, value in line.items())])
    return f"{told}\n{exception}" if exception else told
