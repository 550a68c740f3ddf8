"""What we use of uvicorn, without the command line and the supervisors that come with it: 1.5 MiB of a pod."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

if "uvicorn" not in sys.modules:
    _main = ModuleType("uvicorn.main")
    _main.Server = _main.main = _main.run = None  # type: ignore[attr-defined] # the names that uvicorn takes from it
    sys.modules["uvicorn.main"] = _main
    import uvicorn
    from uvicorn.server import Server

    def run(*arguments: Any, **options: Any) -> None:
        """uvicorn's own, whose module is imported with the first call: a team's modules import it by its name."""
        importlib.import_module("uvicorn.main").run(*arguments, **options)

    # As it was, but for the command line: whoever asks for that is told that it is not there.
    uvicorn.Server = Server  # type: ignore[misc]
    uvicorn.run = run
    del sys.modules["uvicorn.main"], uvicorn.main

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import Server

__all__ = ["STATUS_LINE", "Config", "HttpToolsProtocol", "Server"]
