"""HAProxy before some pods, with TLS: browsers keep `__Host-` cookies of https alone."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.waiting import until

_CONFIGURATION = """
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend browsers
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend pods
backend pods
    balance roundrobin
{servers}
"""


def require() -> None:
    """Skips a test where there is no HAProxy; with CI=true it fails."""
    if shutil.which("haproxy") is None:
        missing = "HAProxy is not installed: apt-get install haproxy"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@contextmanager
def terminating_tls(directory: Path, port: int, pods: Sequence[int]) -> Iterator[None]:
    """Serves https://localhost:PORT from the pods in turn, until the block ends."""
    certificate, configuration = directory / "localhost.pem", directory / "haproxy.cfg"
    certificate.write_bytes(_certificate())
    servers = "\n".join(f"    server pod-{pod} 127.0.0.1:{pod}" for pod in pods)
    configuration.write_text(_CONFIGURATION.format(port=port, certificate=certificate, servers=servers))
    with subprocess.Popen([shutil.which("haproxy") or "haproxy", "-db", "-f", str(configuration)]) as haproxy:
        try:
            yield
        finally:
            haproxy.kill()


async def until_listening(port: int) -> None:
    """Waits until something listens on a port."""

    def listens() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    await until(listens, what="HAProxy listens")


def _certificate() -> bytes:
    """A certificate for localhost, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem) + private
