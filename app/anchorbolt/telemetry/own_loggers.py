"""Our loggers write as they were configured, whatever a team's module does to those of the process.

`logging.config.dictConfig` and `fileConfig` disable every logger that they do not name. They, and
`basicConfig(force=True)`, replace the handlers of the root; the formatter of another handler knows neither our form nor
what has to be redacted.
"""

from __future__ import annotations

import logging
from typing import ClassVar


class OwnLogger(logging.Logger):
    """A logger that nobody disables, and whose lines go to our handler where the root has it no more.

    As long as the root has it, handlers that a team adds there get our lines too.
    """

    own_handler: ClassVar[logging.Handler | None] = None

    @property
    def disabled(self) -> bool:
        """Always false, whatever it is set to."""
        return False

    @disabled.setter
    def disabled(self, _: bool) -> None: ...

    def callHandlers(self, record: logging.LogRecord) -> None:
        """Hands a record to the handlers that write it; called by Python's logging."""
        own = OwnLogger.own_handler
        if own is None or own in logging.getLogger().handlers:
            super().callHandlers(record)
        else:
            own.handle(record)


def own_logger(name: str) -> logging.Logger:
    """Returns the logger of this name, as one of ours."""
    logger = logging.getLogger(name)
    logger.__dict__.pop("disabled", None)
    logger.__class__ = OwnLogger
    return logger
