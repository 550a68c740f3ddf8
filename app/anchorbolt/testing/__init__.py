"""What a team's tests import: our Bolt app without a server and without a database (docs/testing.md).

Most tests need nothing of it but the fixture `anchorbolt` of its pytest plugin. Names are imported when they are used,
because pytest imports this package whenever it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchorbolt.testing.answer import Answer, Call
    from anchorbolt.testing.app import AsyncApp
    from anchorbolt.testing.kit import Kit
    from anchorbolt.testing.slack import Slack

__all__ = ["Answer", "AsyncApp", "Call", "Kit", "Slack"]

_MODULES = {"Answer": "answer", "AsyncApp": "app", "Call": "answer", "Kit": "kit", "Slack": "slack"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only for who uses it

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
