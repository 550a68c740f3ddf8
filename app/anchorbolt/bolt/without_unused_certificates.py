"""Imports aiohttp without certificates in the TLS context that verifies none.

aiohttp makes that context when it is imported, beside the one that verifies, and reads the machine's certificates into
both. In the first nobody looks at them, and reading them takes 70 ms of a pod's start.
"""

from __future__ import annotations

import ssl

_read = ssl.SSLContext.set_default_verify_paths


def _read_if_verified(context: ssl.SSLContext) -> None:
    if context.verify_mode is not ssl.CERT_NONE:
        _read(context)


ssl.SSLContext.set_default_verify_paths = _read_if_verified  # type: ignore[assignment, method-assign] # while aiohttp is imported
try:
    import aiohttp
finally:
    ssl.SSLContext.set_default_verify_paths = _read  # type: ignore[method-assign]

__all__ = ["aiohttp"]
