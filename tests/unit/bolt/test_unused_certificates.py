"""The machine's certificates are read once, into the TLS context that verifies with them."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import json, ssl
read = ssl.SSLContext.set_default_verify_paths
import anchorbolt.main
from aiohttp import connector
counts = [context.cert_store_stats()["x509_ca"] for context in (connector._SSL_CONTEXT_VERIFIED,
    connector._SSL_CONTEXT_UNVERIFIED, ssl.create_default_context())]
print(json.dumps([*counts, ssl.SSLContext.set_default_verify_paths is read]))
"""


def test_certificates_are_where_they_are_verified() -> None:
    """aiohttp verifies with as many certificates as Python does; its context that verifies nothing holds none."""
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    verified, unverified, pythons, as_before = json.loads(result.stdout)
    assert verified == pythons > 0
    assert unverified == 0
    assert as_before
