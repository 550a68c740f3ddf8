"""ingress/haproxy-ingress: the Backend object, written out as the controller's own library writes it.

The lines are those that github.com/haproxytech/client-native v6.2.4, which the controller 3.2 uses, made of the same
object. A field that is not written out here is an error, so that nobody adds one that no test has seen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tests.integration.ingress.proxies.haproxy import statistics
from tests.integration.ingress.proxies.process import INGRESS, Proxy, replaced

FOLDER = INGRESS / "haproxy-ingress"


class HAProxyIngress(Proxy):
    """HAProxy as the HAProxy Kubernetes Ingress Controller sets it up, in front of plain HTTP."""

    name = "haproxy-ingress"
    program = "haproxy"
    package = "Debian: haproxy"

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """One haproxy.cfg."""
        values = yaml.safe_load((FOLDER / "values.yaml").read_text())["controller"]["config"]
        documents = yaml.safe_load_all((FOLDER / "ingress.yaml").read_text())
        [ingress] = [document["spec"] for document in documents if document["kind"] == "Ingress"]
        [path] = ingress["rules"][0]["http"]["paths"]
        settings = replaced(values.pop("global-config-snippet"), {"/etc/anchorbolt/": f"{self.directory}/"})
        timeouts = [f"timeout {name.removeprefix('timeout-')} {value}" for name, value in values.items()]
        pod = self.cluster.pods[0]
        servers = [f"server {pod.name} {pod.address}:{pod.port}" for pod in self.order]
        backend = [replaced(line, {"3001": str(pod.internal_port)}) if "3001" in line else line for line in _backend()]
        if not self.hashes_addresses():
            backend = [line.replace(" hash-key addr-port", "") for line in backend]
        sections = {
            "global": ["log stderr format raw local0", *settings.splitlines()],
            "defaults": ["mode http", "log global", *timeouts],
            "frontend http": [
                f"bind 127.0.0.1:{self.port}",
                f"use_backend pods if {{ path_beg {path['path']} }}",
                "http-request deny deny_status 404 unless { path_beg " + path["path"] + " }",
            ],
            "frontend statistics": [f"bind 127.0.0.1:{self.internal_port}", "stats enable", "stats uri /stats"],
            "backend pods": [*backend, *servers],
        }
        text = "".join(f"{name}\n" + "".join(f"    {line}\n" for line in lines) for name, lines in sections.items())
        (self.directory / "haproxy.cfg").write_text(text)
        shutil.copy(INGRESS / "conversation" / "conversation.lua", self.directory)
        return [self.require(), "-db", "-f", str(self.directory / "haproxy.cfg")], {}

    def up(self) -> set[str]:
        """By HAProxy's own statistics."""
        return {row["svname"] for row in statistics(self.internal_port, "pods") if row["status"].startswith("UP")}

    @classmethod
    def hashes_addresses(cls) -> bool:
        """`hash-key addr-port` came with HAProxy 3.0; the controller has 3.2."""
        told = subprocess.run([cls.require(), "-v"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"version (\d+)\.", told)
        return version is not None and int(version[1]) >= 3

    @classmethod
    def replicas_agree(cls) -> bool:
        """On an older HAProxy they would not, and on that no controller runs."""
        return cls.found() is not None and cls.hashes_addresses()


def _backend() -> list[str]:
    spec: dict[str, Any] = yaml.safe_load((FOLDER / "backend.yaml").read_text())["spec"]
    check = spec.pop("httpchk_params")
    server = spec.pop("default_server")
    assert server.pop("check") == "enabled"
    assert spec.pop("adv_check") == "httpchk"
    assert spec["redispatch"].pop("enabled") == "enabled"
    hashed = spec.pop("hash_type")
    names = {"health_check_port": "port", "pool_purge_delay": "pool-purge-delay", "hash_key": "hash-key"}
    lines = [
        f"hash-type {hashed['method']} {hashed['function']} {hashed['modifier']}",
        f"balance {spec['balance'].pop('algorithm')} {spec['balance'].pop('hash_expression')}",
        *(f"acl {acl['acl_name']} {acl['criterion']} {acl['value']}" for acl in spec.pop("acl_list")),
        f"option redispatch {spec.pop('redispatch')['interval']}",
        f"option httpchk {check['method']} {check['uri']}",
        *(f"http-check {one['type']} {one['match']} {one['pattern']}" for one in spec.pop("http_check_list")),
        "default-server check " + " ".join(f"{names.get(name, name)} {value}" for name, value in server.items()),
        f"http-reuse {spec.pop('http_reuse')}",
        *(_rule(rule) for rule in spec.pop("http_request_rule_list")),
        f"retries {spec.pop('retries')}",
        f"retry-on {spec.pop('retry_on')}",
    ]
    assert spec.pop("mode") == "http"
    assert not spec.pop("balance")
    assert not spec, f"fields that no test writes out: {spec}"
    return lines


def _rule(rule: dict[str, Any]) -> str:
    condition = f" {rule.pop('cond')} {rule.pop('cond_test')}" if "cond" in rule else ""
    match rule.pop("type"):
        case "deny":
            line = f"deny deny_status {rule.pop('deny_status')}"
        case "del-header":
            line = f"del-header {rule.pop('hdr_name')}"
        case "wait-for-body":
            line = f"wait-for-body time {rule.pop('wait_time')}"
        case "set-var":
            line = f"set-var({rule.pop('var_scope')}.{rule.pop('var_name')}) {rule.pop('var_expr')}"
        case "set-log-level":
            line = f"set-log-level {rule.pop('log_level')}"
        case "lua":
            line = f"lua.{rule.pop('lua_action')}"
        case "set-header":
            line = f"set-header {rule.pop('hdr_name')} {rule.pop('hdr_format')}"
        case other:
            raise AssertionError(f"a rule that no test writes out: {other}")
    assert not rule, f"fields that no test writes out: {rule}"
    return f"http-request {line}{condition}"
