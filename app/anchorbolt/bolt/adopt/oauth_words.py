"""Keeps back what Bolt says about installation by OAuth while an app is made: what is refused is told by us alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.logger import get_bolt_logger
from slack_bolt.logger.messages import (
    info_default_oauth_settings_loaded,
    warning_bot_only_conflicts,
    warning_token_skipped,
)

_KEPT_BACK = frozenset({info_default_oauth_settings_loaded(), warning_bot_only_conflicts(), warning_token_skipped()})


def _is_said(record: logging.LogRecord) -> bool:
    return record.msg not in _KEPT_BACK


@contextmanager
def kept_back(logger: logging.Logger | None) -> Iterator[None]:
    """Keeps these messages of Bolt's out of the log inside of the block. `logger`: the app's own, if it was given one.

    Bolt tells that the token is ignored, and then we refuse the app and ask for the token: it reads as a contradiction.
    """
    loggers = [get_bolt_logger(App), get_bolt_logger(AsyncApp), *([logger] if logger is not None else [])]
    for one in loggers:
        one.addFilter(_is_said)
    try:
        yield
    finally:
        for one in loggers:
            one.removeFilter(_is_said)
