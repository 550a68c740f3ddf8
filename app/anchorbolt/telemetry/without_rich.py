"""Imports structlog without rich, which it would import for tracebacks where it is installed.

Such tracebacks show the local variables of every frame, with the secrets in them. And importing rich takes 3 MiB and
70 ms.
"""

from __future__ import annotations

import sys

_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment] # the import system then raises ImportError for it
import structlog  # noqa: E402 - it must run after the line above

if _rich is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _rich

__all__ = ["structlog"]
