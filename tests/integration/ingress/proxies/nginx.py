"""ingress/nginx: the objects for both of F5's controllers, written out as their templates write them.

Sources of the shapes: internal/configs/version2/nginx.virtualserver.tmpl of nginx/kubernetes-ingress (5.x), and
internal/controller/nginx/config/servers_template.go of nginx/nginx-gateway-fabric (2.x).
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.ingress.pods import Pod
from tests.integration.ingress.proxies.process import INGRESS, Proxy, replaced
from tests.integration.ingress.wire import Slack, event, until

MODULES = [Path("/usr/lib/nginx/modules/ngx_http_js_module.so"), Path("/usr/share/nginx/modules/ngx_http_js_module.so")]


class Nginx(Proxy):
    """What both controllers have in common."""

    program = "nginx"
    package = "Debian: nginx, libnginx-mod-http-js"
    checks_health = False
    fullest = 1.3  # a ring of 160 points a pod: of 400 sets of four addresses 7 had more than 1.2, at most 1.25
    says_408 = False

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """One nginx.conf."""
        module = next((path for path in MODULES if path.exists()), None)
        if module is None:
            pytest.fail("nginx is there, its njs module is not: Debian's libnginx-mod-http-js")
        text = f"""
            load_module {module};
            daemon off;
            user {getpass.getuser()};
            worker_processes 2;
            pid {self.directory}/nginx.pid;
            error_log {self.directory}/nginx.log warn;
            events {{ worker_connections 1024; }}
            http {{
                access_log off;
                client_body_temp_path {self.directory}/body;
                proxy_temp_path {self.directory}/proxy;
                fastcgi_temp_path {self.directory}/fastcgi;
                uwsgi_temp_path {self.directory}/uwsgi;
                scgi_temp_path {self.directory}/scgi;
                map $http_upgrade $upgrade_or_nothing {{ default upgrade; '' ''; }}
                {self.server()}
            }}
        """
        path = self.directory / "nginx.conf"
        path.write_text(
            replaced(text, {"/etc/nginx/anchorbolt/conversation.js": f"{INGRESS}/conversation/conversation.js"})
        )
        return [self.require(), "-c", str(path), "-e", str(self.directory / "nginx.log")], {}

    def server(self) -> str:
        """The upstreams and the server."""
        raise NotImplementedError

    def give(self, pod: Pod) -> None:
        """nginx asks a pod that failed again once its fail_timeout is over (2 s, or 10 s by default)."""
        super().give(pod)

        def asked() -> bool:
            with Slack(self.port) as slack:
                return any(slack.send(event(f"C{n}")).told["pod"] == pod.name for n in range(30))

        until(asked, f"{pod.name} is asked again", self.log)

    def up(self) -> set[str]:
        """nginx tells nobody: the pods that accept a connection."""
        found = set()
        for pod in self.order:
            with socket.socket() as probe:
                if probe.connect_ex((pod.address, pod.port)) == 0:
                    found.add(pod.name)
        return found


class NginxIngress(Nginx):
    """F5 NGINX Ingress Controller: a VirtualServer."""

    name = "nginx-ingress"

    def server(self) -> str:
        """As the controller's template for VirtualServers has it."""
        spec = _documents(INGRESS / "nginx" / "ingress" / "virtualserver.yaml")["VirtualServer"]
        upstreams = "".join(self._upstream(upstream) for upstream in spec["upstreams"])
        route, other = spec["routes"]
        pods = next(upstream for upstream in spec["upstreams"] if upstream["name"] == route["action"]["pass"])
        log = str(self.directory / "access.log")
        return f"""
            {upstreams}
            {spec["http-snippets"]}
            server {{
                listen 127.0.0.1:{self.port};
                server_name {spec["host"]} 127.0.0.1;
                {replaced(spec["server-snippets"], {"/dev/stdout": log})}
                location {route["path"]} {{
                    {route["location-snippets"]}
                    proxy_connect_timeout {pods["connect-timeout"]};
                    proxy_read_timeout {pods["read-timeout"]};
                    proxy_send_timeout {pods["send-timeout"]};
                    client_max_body_size {pods["client-max-body-size"]};
                    client_body_buffer_size {pods["client-body-buffer-size"]};
                    proxy_buffering on;
                    proxy_http_version 1.1;
                    proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection $upgrade_or_nothing;
                    proxy_pass_request_headers on;
                    proxy_set_header X-Real-IP $remote_addr;
                    proxy_set_header Host "$host";
                    proxy_pass http://vs_default_anchorbolt_{pods["name"]};
                    proxy_next_upstream {pods["next-upstream"]};
                    proxy_next_upstream_timeout {pods["next-upstream-timeout"]};
                    proxy_next_upstream_tries {pods["next-upstream-tries"]};
                }}
                location {other["path"]} {{ return {other["action"]["return"]["code"]}; }}
            }}
        """

    def _upstream(self, spec: dict[str, Any]) -> str:
        name = f"vs_default_anchorbolt_{spec['name']}"
        fails = f"max_fails={spec['max-fails']} fail_timeout={spec['fail-timeout']} max_conns=0"
        servers = "".join(f"server {pod.address}:{pod.port} {fails};\n" for pod in self.order)
        method = "" if spec["lb-method"] == "round_robin" else f"{spec['lb-method']};"
        return f"upstream {name} {{ zone {name} 256k; {method} {servers} keepalive {spec['keepalive']}; }}\n"


class NginxGatewayFabric(Nginx):
    """NGINX Gateway Fabric: a route, an UpstreamSettingsPolicy and snippets."""

    name = "nginx-gateway-fabric"
    sends_a_refusal_on = False

    def server(self) -> str:
        """As the fabric's templates for upstreams and servers have it."""
        objects = _documents(*sorted((INGRESS / "nginx" / "gateway-fabric").glob("*.yaml")))
        policy = objects["UpstreamSettingsPolicy"]
        snippets = {snippet["context"]: snippet["value"] for snippet in objects["SnippetsFilter"]["snippets"]}
        [rule] = objects["HTTPRoute"]["rules"]
        path = rule["matches"][0]["path"]["value"].rstrip("/")
        servers = "".join(f"server {pod.address}:{pod.port};\n" for pod in self.order)
        method = policy["loadBalancingMethod"].split()
        location = f"""
            {snippets["http.server.location"]}
            proxy_http_version 1.1;
            proxy_set_header Host "$host";
            proxy_set_header Upgrade "$http_upgrade";
            proxy_set_header Connection "$upgrade_or_nothing";
            proxy_pass http://default_anchorbolt_80$request_uri;
        """
        return f"""
            {snippets["http"]}
            upstream default_anchorbolt_80 {{
                {method[0]} {policy["hashMethodKey"]} {method[1]};
                zone default_anchorbolt_80 512k;
                {servers}
                keepalive {policy["keepAlive"]["connections"]};
                keepalive_timeout {policy["keepAlive"]["timeout"]};
            }}
            server {{
                listen 127.0.0.1:{self.port};
                server_name bot.example.com 127.0.0.1;
                location {path}/ {{ {location} }}
                location = {path} {{ {location} }}
                location / {{ return 404; }}
            }}
        """


def _documents(*files: Path) -> dict[str, Any]:
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    return {document["kind"]: document["spec"] for document in documents if "spec" in document}
