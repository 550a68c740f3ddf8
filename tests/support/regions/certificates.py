"""The certificate that the tiers of several regions show each other."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificates(folder: Path, name: str = "anchorbolt-region") -> Path:
    """Makes a certificate that signs itself, as tls.pem and ca.pem in a folder, and returns the folder."""
    key, made = folder / "key.pem", folder / "ca.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    more = ["-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key)]
    subprocess.run([*command, *more, "-out", str(made)], check=True, capture_output=True, timeout=60)
    (folder / "tls.pem").write_text(made.read_text() + key.read_text())
    return folder
