"""`anchorbolt serve`: the process that opens the ports, and waits above a worker that serves.

It imports none of what serves. Master and worker would each hold a copy of most of it, for the pages that a fork shares
part as soon as one of them counts a reference (docs/decisions/0060-the-master-imports-little.md).
"""

from __future__ import annotations

from anchorbolt.lifecycle import garbage_collection, held_signals
from anchorbolt.lifecycle.master import Live, Master
from anchorbolt.lifecycle.ports import free_ports
from anchorbolt.settings import of_master
from anchorbolt.settings.of_master import MasterSettings
from anchorbolt.telemetry import lines


def serve() -> None:
    """Runs until a signal ends it, and exits with a code.

    Raises InvalidSettingsError if a setting of the master's is wrong, and PortTakenError. The worker checks all others.
    """
    held_signals.hold_back()
    garbage_collection.seldom()  # the worker, which is a fork, imports much
    settings = of_master.read()
    if settings.log_format.is_json:
        lines.configure()
    else:
        _configure_logs(settings)  # for a person, who counts no memory
    Master(settings, free_ports(settings), lambda: _load(settings)).run()


def _load(settings: MasterSettings) -> Live:
    """The app, in the worker."""
    from anchorbolt import main  # noqa: PLC0415
    from anchorbolt.lifecycle import start  # noqa: PLC0415

    garbage_collection.keep()  # before the app is built
    _configure_logs(settings)
    return lambda sockets: main.live(start.load(), sockets)


def _configure_logs(settings: MasterSettings) -> None:
    from anchorbolt.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.log_level, as_json=settings.log_format.is_json)
