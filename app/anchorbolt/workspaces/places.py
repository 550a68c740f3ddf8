"""Where tokens are stored: the place that each ciphertext is bound to (encryption.py)."""

from __future__ import annotations


def of_bot(workspace: str, column: str) -> str:
    """The place of a token of a bot; `column`: of the table `installation`."""
    return f"installation/{workspace}/{column}"


def of_user(workspace: str, user_id: str, column: str) -> str:
    """The place of a token of a user; `column`: of the table `user_token`."""
    return f"user_token/{workspace}/{user_id}/{column}"
