"""The members of etcd, by its own JSON gateway: what `etcdctl member list|remove|add` do."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.support.regions.sites import address


def _ask(site: str, what: str, **body: Any) -> dict[str, Any]:
    url = f"http://{address(site)}:2379/v3/cluster/member/{what}"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _peer(site: str) -> str:
    return f"http://{address(site)}:2380"


def replace(site: str, by: str) -> str:
    """Removes a site's member and adds it again, empty, by asking the member of another site.

    Returns what the new one needs as `--initial-cluster`. Raises OSError where etcd has no majority.
    """
    for member in _ask(by, "list").get("members", ()):
        if member.get("peerURLs") == [_peer(site)]:
            _ask(by, "remove", ID=member["ID"])
    left = _ask(by, "list")["members"]
    _ask(by, "add", peerURLs=[_peer(site)])
    return ",".join([f"{site}={_peer(site)}", *(f"{one['name']}={url}" for one in left for url in one["peerURLs"])])
