"""Logs in one format for us, uvicorn, gunicorn and Bolt: JSON, or text for a terminal."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from anchorbolt.telemetry.own_loggers import OwnLogger, own_logger
from anchorbolt.telemetry.redact import redact
from anchorbolt.telemetry.without_rich import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

# The key and the attempt of the run that this task belongs to.
_run: ContextVar[tuple[str, int] | None] = ContextVar("run", default=None)


def begin_run(key: str, attempt: int) -> None:
    """Adds the key and the attempt to every later log line of this task and of the tasks that it starts."""
    _run.set((key, attempt))


def add_run(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Adds to a line the delivery that it belongs to, and the trace id where the delivery is traced."""
    run = _run.get()
    if run is not None:
        line.setdefault("key", run[0])
        line.setdefault("attempt", run[1])
    span = trace.get_current_span().get_span_context()
    if span.trace_flags.sampled:
        line.setdefault("trace_id", trace.format_trace_id(span.trace_id))
    return line


PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    add_run,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


# The handler that `configure` has made, where it writes JSON (quick_line.py).
_json_handler: logging.StreamHandler[Any] | None = None


# What `configure` has told structlog, and the loggers that were made before that.
_configured: dict[str, Any] = {}
_early: list[structlog.stdlib.BoundLogger] = []


def json_handler() -> logging.StreamHandler[Any] | None:
    """Returns the handler of the process; None where it writes no JSON, or nothing was configured."""
    return _json_handler


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Returns the structlog logger that writes as `anchorbolt.NAME`, where `name` is the part of the app.

    It keeps the configuration of `configure`: a team's module may configure structlog for itself.
    """
    own = own_logger(f"anchorbolt.{name}")
    if _configured:
        logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(own, **_configured)
        return logger
    _early.append(logger := structlog.stdlib.get_logger(own.name))
    return logger


def configure(level: str, *, as_json: bool) -> None:
    """Sends every line of the process to standard error."""
    global _json_handler  # noqa: PLW0603 - as logging's own configuration, there is one for the process
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(as_json=as_json))
    _json_handler = handler if as_json else None
    OwnLogger.own_handler = handler
    root = logging.getLogger()
    root.handlers = [handler]
    # Bolt gives the loggers of listeners this level. Not DEBUG, because libraries then log what they send and receive.
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    for name in ("anchorbolt", "listeners"):
        logging.getLogger(name).setLevel(level)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # says what it is made of, at every start
    logging.getLogger("gunicorn").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # lifecycle/ logs how a pod begins and ends
    logging.captureWarnings(True)
    _configured.update(
        processors=[*PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        # A line below the level costs no more than the call.
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), **_configured)
    for logger in _early:
        logger.bind()  # which keeps this configuration
    _early.clear()


def formatter(*, as_json: bool) -> logging.Formatter:
    """Formats lines, with secrets redacted, because a listener may log or raise what it was given."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_what_formatters_leave, *PROCESSORS],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact, renderer],
    )


def _without_what_formatters_leave(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Takes out what another handler's formatter has put on the record. `extra` cannot hold these names."""
    line.pop("message", None)
    line.pop("asctime", None)
    return line


def _redact(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Redacts the fields, not the written line: JSON stays JSON, and a person's line keeps its form."""
    redacted: EventDict = redact({name: _plain(value) for name, value in line.items()})
    return redacted


def _plain(value: Any) -> Any:
    """The value as JSON has it. An object is written as its repr, which may quote anything."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return repr(value)
