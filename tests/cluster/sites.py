"""The database of three sites as k8s/examples/large/witness has it, each site in a namespace of its own.

`NAME.SITE.example.internal` of the examples becomes the name of a Service in the namespace of that site.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.cluster import Cluster, wait_until
from tests.cluster.image import load
from tests.manifests.render import ROOT, Manifest, render

LARGE = ROOT / "k8s" / "examples" / "large"
REGIONS = ("eu", "us")
SITES = (*REGIONS, "witness")
IMAGE = "localhost/anchorbolt-database:dev"
HERE = Path(__file__).parent
# The Service that stands behind a name of the examples.
SERVICES = {"db": "anchorbolt-db", "etcd": "etcd", "hop": "anchorbolt-hop", "round": "to-the-primary"}
PASSWORD = "for-trying-only"
# What the examples ask for, and what fits on a small machine.
SMALLER = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"memory": "512Mi"},
    "storage": "1Gi",
    "replicas": 1,
}


def changed(value: Any, text: Callable[[str], str]) -> Any:
    """A manifest, or a part of it, with each of its texts changed, and made to fit."""
    if isinstance(value, dict):
        kept = {
            key: SMALLER.get(key, each) if key != "requests" or "cpu" in each else each for key, each in value.items()
        }
        return {key: changed(each, text) for key, each in kept.items()}
    if isinstance(value, list):
        return [changed(each, text) for each in value]
    return text(value) if isinstance(value, str) else value


class Sites:
    """The three namespaces, with etcd, Patroni and PostgreSQL in each, and in the witness the way round."""

    def __init__(self, cluster: Cluster, run: str = "") -> None:
        self.cluster = cluster
        self.run = run or uuid.uuid4().hex[:5]

    def namespace(self, site: str) -> str:
        """The namespace of a site."""
        return f"anchorbolt-{site}-{self.run}"

    def in_this_cluster(self, text: str) -> str:
        """A text of the examples with the names of this cluster in place of theirs."""

        def name(found: re.Match[str]) -> str:
            return f"{SERVICES[found[1]]}.{self.namespace(found[2])}.svc.cluster.local"

        return re.sub(r"\b(db|etcd|hop|round)\.(eu|us|witness)\.example\.internal", name, text)

    def start(self) -> None:
        """Applies the example to each site, waits until a server leads and both others confirm, makes the database."""
        load(IMAGE, str(HERE / "database"))
        certificates = self._certificates()
        for site in SITES:
            self.cluster.kubectl("create", "namespace", self.namespace(site))
            label = "pod-security.kubernetes.io/enforce=restricted"
            self.cluster.kubectl("label", "namespace", self.namespace(site), label)
        for site in SITES:
            manifests = [*self._secrets(certificates), *self._of(site, render(LARGE / "witness"))]
            self.cluster.kubectl("-n", self.namespace(site), "apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
        wait_until("the sites are whole", self.whole, 300)
        self.psql(f"CREATE ROLE anchorbolt LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor", "postgres")
        self.psql("CREATE DATABASE anchorbolt OWNER anchorbolt", "postgres")

    def stop(self) -> None:
        """Ends it, and gives the volumes back."""
        namespaces = [self.namespace(site) for site in SITES]
        self.cluster.kubectl("delete", "namespace", "--wait=false", *namespaces)
        gone = lambda: not self.cluster.kubectl("get", "namespace", "--ignore-not-found", *namespaces)  # noqa: E731
        wait_until("the sites are gone", gone, 180)
        for volume in self.cluster.get("pv")["items"]:
            if volume["spec"].get("claimRef", {}).get("namespace") in namespaces:
                self.cluster.kubectl("patch", "pv", volume["metadata"]["name"], "-p", '{"spec": {"claimRef": null}}')

    def url(self) -> str:
        """DATABASE_URL as docs/regions.md has it: the servers of all sites, and the way round."""
        hosts = ",".join(
            [*(f"db.{site}.example.internal:5432" for site in SITES), "round.witness.example.internal:5000"]
        )
        query = "target_session_attrs=read-write&sslmode=require"
        return self.in_this_cluster(f"postgresql://anchorbolt:{PASSWORD}@{hosts}/anchorbolt?{query}")

    def members(self) -> dict[str, dict[str, Any]]:
        """What Patroni says of each member, by site; empty while none of them answers."""
        for site in SITES:
            told = self.patroni(site, "list", "--format", "json", check=False)
            if told.startswith("["):
                listed, _ = json.JSONDecoder().raw_decode(told)  # warnings may follow
                return {one["Member"]: one for one in listed}
        return {}

    def leader(self) -> str:
        """The site whose server leads; empty if none does."""
        return next((site for site, one in self.members().items() if one["Role"] == "Leader"), "")

    def whole(self) -> bool:
        """Whether one server leads and both others are in the quorum."""
        return sorted(one["Role"] for one in self.members().values()) == ["Leader", "Quorum Standby", "Quorum Standby"]

    def patroni(self, site: str, *words: str, check: bool = True) -> str:
        """`patronictl` in the pod of a site."""
        return self.within(site, "patronictl", "-c", "/etc/anchorbolt-site/patroni.yml", *words, check=check)

    def within(self, site: str, *command: str, check: bool = True) -> str:
        """A command in the database pod of a site."""
        where = ["-n", self.namespace(site), "exec", "anchorbolt-db-0", "-c", "patroni", "--"]
        return self.cluster.kubectl(*where, *command, check=check)

    def lose(self, site: str) -> None:
        """The server of a site is gone at once, and is not started again."""
        where = ["-n", self.namespace(site)]
        self.cluster.kubectl(*where, "scale", "statefulset/anchorbolt-db", "--replicas=0")
        self.cluster.kubectl(*where, "delete", "pod", "anchorbolt-db-0", "--grace-period=0", "--force")

    def bring_back(self, site: str) -> None:
        """It is started as it was."""
        self.cluster.kubectl("-n", self.namespace(site), "scale", "statefulset/anchorbolt-db", "--replicas=1")

    def psql(self, query: str, database: str = "anchorbolt") -> str:
        """The answer of the leading server to a query, bare."""
        command = ["psql", "-h", "/tmp", "-U", "postgres", "-d", database, "-Atc", query]
        return self.within(self.leader(), *command).strip()

    def _of(self, site: str, manifests: list[Manifest]) -> list[Manifest]:
        """The example of the witness as that of another site: its own name and addresses, folders of this run."""

        def own(text: str) -> str:
            text = re.sub(r"^(--)?name([=:] ?)witness$", rf"\g<1>name\g<2>{site}", text, flags=re.M)
            text = re.sub(r"(connect_address: '|-urls=https://)(db|etcd)\.witness\.", rf"\1\2.{site}.", text)
            text = text.replace("/home/postgres/pgdata/data", f"/home/postgres/pgdata/{self.run}")
            if site in REGIONS:
                text = text.replace("failover_priority: 1", "failover_priority: 2")
            text = text.replace("--data-dir=/var/lib/etcd", f"--data-dir=/var/lib/etcd/{self.run}")
            text = re.sub(r"^(quay\.io/coreos/etcd|registry\.example\.com/patroni-postgres):.*$", IMAGE, text)
            return self.in_this_cluster(text)

        return [changed(manifest, own) for manifest in manifests]

    def _certificates(self) -> dict[str, str]:
        """A CA, and one certificate for all names of etcd and of the databases."""
        names = [f"{what}.{site}.example.internal" for site in SITES for what in ("db", "etcd", "round")]
        names = [self.in_this_cluster(name) for name in names]
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        with tempfile.TemporaryDirectory() as folder:

            def openssl(*words: str) -> None:
                subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60, cwd=folder)

            openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
            openssl("req", *key, "-subj", "/CN=site", "-keyout", "tls.key", "-out", "tls.csr")
            extensions = Path(folder, "extensions")
            extensions.write_text(f"subjectAltName={','.join(f'DNS:{name}' for name in names)},IP:127.0.0.1\n")
            signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions"]
            openssl("x509", "-req", "-in", "tls.csr", *signed, "-out", "tls.crt")
            return {name: Path(folder, name).read_text() for name in ("ca.crt", "tls.crt", "tls.key")}

    @staticmethod
    def _secrets(certificates: dict[str, str]) -> list[Manifest]:
        names = ("PATRONI_SUPERUSER_PASSWORD", "PATRONI_REPLICATION_PASSWORD", "PATRONI_REWIND_PASSWORD")
        passwords = dict.fromkeys((*names, "PATRONI_RESTAPI_USERNAME", "PATRONI_RESTAPI_PASSWORD"), PASSWORD)
        secrets = {"anchorbolt-patroni": passwords} | dict.fromkeys(
            ("anchorbolt-etcd-tls", "anchorbolt-db-tls"), certificates
        )
        return [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name},
                "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
            }
            for name, data in secrets.items()
        ]
