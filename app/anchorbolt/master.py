"""`python -m anchorbolt.master ORDERS`: what `anchorbolt serve` becomes, to wait above a worker that serves.

It imports none of what serves. Master and worker would each hold a copy of most of it, for the pages that a fork shares
part as soon as one of them counts a reference (docs/decisions/0060-the-master-imports-little.md).
"""

from __future__ import annotations

import sys
from functools import partial

from anchorbolt.lifecycle.master import Live, Master
from anchorbolt.lifecycle.orders import Orders
from anchorbolt.telemetry import lines


def main(text: str) -> None:
    """Until a signal ends it."""
    orders = Orders.read(text)
    if orders.as_json:
        lines.configure()
    else:
        _configure_logs(orders)  # for a person, who counts no memory
    Master(orders, partial(_load, orders)).run()


def _load(orders: Orders) -> Live:
    """The app, in the worker; it reads the settings again, as the orders hold no secret."""
    from anchorbolt import main, settings  # noqa: PLC0415

    _configure_logs(orders)
    return lambda sockets: main.live(settings.load(), sockets)


def _configure_logs(orders: Orders) -> None:
    from anchorbolt.telemetry import logs  # noqa: PLC0415

    logs.configure(orders.log_level, as_json=orders.as_json)


if __name__ == "__main__":
    main(sys.argv[1])
