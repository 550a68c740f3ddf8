"""What a test changes about the sticky tier: how it finds pods, and that it says which pod answered."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.cluster.play import POD_HEADER
from tests.manifests.render import ROOT, Manifest

CONFIG = ROOT / "ingress" / "haproxy" / "haproxy.cfg"
SERVER = re.compile(r"^(\s*)server pod-\{ordinal\} .*$", re.MULTILINE)


def by_address() -> str:
    """The configuration with the pods found by address: those of a Deployment have no stable names."""
    line = r'\1server-template pod- 10 "${PODS_DOMAIN}:3000" check hash-key addr-port'
    text = SERVER.sub(line, CONFIG.read_text())
    left = re.search(r"^[^#\n]*\{ordinal\}.*$", text, re.MULTILINE)
    assert left is None, f"{CONFIG} has a server line that this does not know: {left}"
    return text


def that_names_pods() -> str:
    """The configuration with a header in each answer that names the pod. In production nobody needs to know."""
    text, replaced = re.subn(
        r"^backend pods$", rf"\g<0>\n    http-response set-header {POD_HEADER} %s", CONFIG.read_text(), flags=re.M
    )
    assert replaced == 1, f"{CONFIG} has no backend `pods`"
    return text


def configured(kustomization: Manifest, write: Callable[[str, str], int], text: str) -> None:
    """Puts a configuration in the place of the tier's own."""
    write("haproxy.cfg", text)
    kustomization["configMapGenerator"].append(
        {"name": "anchorbolt-conversation", "behavior": "merge", "files": ["haproxy.cfg"]}
    )


def naming_pods(kustomization: Manifest, write: Callable[[str, str], int]) -> None:
    """A change of a stack: its tier says which pod answered."""
    configured(kustomization, write, that_names_pods())
