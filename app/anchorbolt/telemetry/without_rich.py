"""structlog without rich, which it imports wherever that is installed, for tracebacks on a terminal.

Those would show the local variables of every frame, with the secrets in them; and rich takes 3 MiB, and 70 ms of the
start.
"""

from __future__ import annotations

import sys

_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment] # the import system's own way to say that there is none
import structlog  # noqa: E402 - after the line that it is to find

if _rich is None:
    del sys.modules["rich"]
else:
    sys.modules["rich"] = _rich

__all__ = ["structlog"]
