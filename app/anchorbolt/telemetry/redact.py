"""Redacts tokens and response URLs in a text."""

from __future__ import annotations

import re

REDACTED = "(redacted)"
# Matches hold no quotes and no blanks, so that redacted JSON stays JSON.
SECRET_TEXT = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|xoxe\.[\w.-]+"
    r"|https://hooks\.slack(?:-gov)?\.com/[^\s\"'\\<>|]+"
)


def without_secrets(text: str) -> str:
    """Returns the text with its tokens and response URLs redacted."""
    return SECRET_TEXT.sub(REDACTED, text)
