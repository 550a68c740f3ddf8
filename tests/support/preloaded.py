"""What the fork server of the tests has imported before it forks (forked.py).

Only what a process of the app imports by itself, in its order: no module of the tests, and none of a team's.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from importlib import import_module
from pathlib import Path

# The worker's come first: it imports structlog without rich, and uvicorn without click.
IMPORTED = (
    "anchorbolt.main",
    "anchorbolt.lifecycle.start",
    "anchorbolt.__main__",
    "anchorbolt.composition.socket_mode",
    "anchorbolt.composition.workspaces",
    "anchorbolt.master",
    "anchorbolt.lifecycle.loop",
    "anchorbolt.inbox.postgresql",
    "anchorbolt.inbox.sqlite",
    "anchorbolt.telemetry.otlp",
    "anchorbolt.telemetry.span_export",
    "anchorbolt.http.oauth.routes",
    "anchorbolt.cli.serve",
    "anchorbolt.cli.check",
    "anchorbolt.cli.dev",
    "anchorbolt.cli.inbox",
    "anchorbolt.cli.migrate",
    "anchorbolt.cli.region",
    "anchorbolt.cli.workspaces",
    # What libraries import when they are first used.
    "encodings.idna",
    "uvicorn.lifespan.off",
)
# The folders of modules that every Python of this environment has.
_given = {Path(path).absolute() for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
SYS_PATH = [path for path in sys.path if Path(path).absolute() not in _given | {Path.cwd()}]

for name in IMPORTED:
    import_module(name)
assert threading.active_count() == 1, "a fork has none of the other threads"
# Collections in the forks would look at all of this again, and copy its memory.
gc.collect()
gc.freeze()
SERVER = os.getpid()
