"""What is measured side by side: this app in its three stores, and its peers; and how each is started."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.listeners.plan import Kind, plan
from bench.load.prepare import SIGNING_SECRET
from bench.peers.serve import BOT_TOKEN
from bench.postgres import Postgres
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent
BOLT_JS = ROOT / "bench" / "peers" / "bolt-js"


@dataclass(frozen=True)
class Variant:
    """One row of the table; `listens` is false for the floors, which answer and run nothing."""

    name: str
    label: str
    listens: bool = True


ASGI = Variant("asgi", "raw ASGI + HMAC", listens=False)
FASTAPI = Variant("fastapi", "FastAPI + HMAC + JSON", listens=False)
BOLT_ASYNC = Variant("bolt-async", "Bolt-py async, FastAPI")
BOLT_SYNC = Variant("bolt-sync", "Bolt-py sync, FastAPI")
BOLT_NODE = Variant("bolt-js", "Bolt-js")
OURS_SQLITE = Variant("sqlite", "Anchorbolt, SQLite")
OURS_MEMORY = Variant("memory", "Anchorbolt, in memory")
OURS_POSTGRES = Variant("postgres", "Anchorbolt, PostgreSQL")
OURS_SYNC = Variant("sqlite-sync", "Anchorbolt, SQLite, synchronous")

OURS = (OURS_SQLITE, OURS_MEMORY, OURS_POSTGRES, OURS_SYNC)
PEERS = (BOLT_ASYNC, BOLT_SYNC, BOLT_NODE, FASTAPI, ASGI)
# The order of a round: ours and theirs take turns.
ALL = (ASGI, OURS_SQLITE, BOLT_ASYNC, OURS_MEMORY, BOLT_NODE, OURS_POSTGRES, BOLT_SYNC, OURS_SYNC, FASTAPI)


@dataclass(frozen=True)
class Launch:
    """How to start one server: it is ready when `ready_port` accepts, or answers 200 at `ready_path`."""

    command: Sequence[str]
    port: int
    ready_port: int
    ready_path: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


class Launcher:
    """Builds the command line of each variant; every start gets an empty store."""

    def __init__(self, directory: Path, core_of_store: int) -> None:
        self._directory = directory
        self._core_of_store = core_of_store
        self._numbers = itertools.count()
        self.postgres: Postgres | None = None

    def launch(self, variant: Variant, listeners: int, kind: Kind, web_api_url: str) -> Launch:
        if variant in OURS:
            return self._ours(variant, listeners, kind, web_api_url)
        port = free_port()
        if variant == BOLT_NODE:
            planned = json.dumps(plan(listeners, kind))
            return Launch(["node", str(BOLT_JS / "server.js"), str(port), web_api_url, planned], port, port)
        module = {
            ASGI: "asgi_hmac",
            FASTAPI: "fastapi_hmac",
            BOLT_ASYNC: "bolt_async",
            BOLT_SYNC: "bolt_sync",
        }[variant]
        command = [sys.executable, "-m", f"bench.peers.{module}", "--port", str(port), "--web-api-url", web_api_url]
        return Launch([*command, "--listeners", str(listeners), "--kind", kind], port, port)

    def _ours(self, variant: Variant, listeners: int, kind: Kind, web_api_url: str) -> Launch:
        port, internal_port = free_port(), free_port()
        modules = {1: f"one_{kind}", 20: "twenty", 200: "two_hundred"}
        if variant == OURS_SYNC:
            modules = {20: "sync_twenty"}
        environment = {
            "LISTENERS": f"bench.listeners.{modules[listeners]}",
            "DATABASE_URL": self._empty_store(variant),
            "SLACK_SIGNING_SECRET": SIGNING_SECRET.decode(),
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_API_URL": web_api_url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "INTERNAL_PORT": str(internal_port),
            "LOG_LEVEL": "WARNING",
            "DRAIN_DELAY_SECONDS": "0",
            "DRAIN_TIMEOUT_SECONDS": "5",
        }
        return Launch([sys.executable, "-m", "anchorbolt", "serve"], port, internal_port, "/readyz", environment)

    def _empty_store(self, variant: Variant) -> str:
        if variant == OURS_MEMORY:
            return "sqlite+aiosqlite://"
        name = f"bench_{next(self._numbers)}"
        if variant in (OURS_SQLITE, OURS_SYNC):
            return f"sqlite+aiosqlite:///{self._directory / name}.db"
        if self.postgres is None:
            self.postgres = Postgres(self._directory, self._core_of_store)
        url = self.postgres.new_database(name)
        migrate = [sys.executable, "-m", "anchorbolt", "migrate"]
        subprocess.run(
            migrate, check=True, capture_output=True, cwd=ROOT, env={"DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
        )
        return url

    def close(self) -> None:
        if self.postgres:
            self.postgres.stop()
