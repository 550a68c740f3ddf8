"""Keeps what users have typed out of what Bolt and slack_sdk log by themselves at WARNING and above.

Bolt 1.30 logs the whole body where a global middleware neither answers nor calls next(), and slack_sdk 3.47 logs the
whole element where one of its models meets a type that it does not know. The rest of these lines is enough: our log
adds the key of the delivery.
"""

from __future__ import annotations

import logging

# How the content is introduced: slack_bolt.logger.messages.warning_unhandled_by_global_middleware; slack_sdk.models.
BEFORE_CONTENT = (" for the request (", " detected and skipped (")

MODELS = (
    "slack_sdk.models.blocks.basic_components",
    "slack_sdk.models.blocks.block_elements",
    "slack_sdk.models.blocks.blocks",
    "slack_sdk.models.messages.chunk",
)


def keep_bodies_out(bolts: logging.Logger) -> None:
    """Filters the logger of Bolt's app, and those of slack_sdk's models. A second call changes nothing."""
    for logger in (bolts, *map(logging.getLogger, MODELS)):
        logger.addFilter(WITHOUT_BODY)


class _WithoutBody(logging.Filter):
    """Cuts the content off, and lets every record pass. A Filter, because a team's logger may get it and shows it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns True for each record."""
        if record.levelno >= logging.WARNING and isinstance(record.msg, str):
            for before in BEFORE_CONTENT:
                record.msg = record.msg.partition(before)[0]
        return True


WITHOUT_BODY = _WithoutBody()
