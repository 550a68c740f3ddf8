"""A restart in the middle of load, and what it did to the acks."""

from __future__ import annotations

from tests.cluster.stack import Stack
from tests.cluster.traffic import Account
from tests.manifests.render import SOCKET_MODE

STEADY_SECONDS = 15
RATE = 50


def restart_under_load(
    stack: Stack, *workloads: str, rate: float = RATE, steady_seconds: float = STEADY_SECONDS
) -> tuple[Account, dict[str, float]]:
    """Steady load, the restart in the middle of it, a little after; p99 of the ack before and during, in ms."""
    traffic = stack.traffic(rate)
    begin, restarts = traffic.go_on_for(steady_seconds)
    for workload in workloads:
        stack.restart(workload)
    restarted = traffic.go_on_for(5)[0]
    account = traffic.end()
    timing = {
        "ack_p99_steady_ms": round(account.ack_p99_ms(begin, restarts), 1),
        "ack_p99_restart_ms": round(account.ack_p99_ms(restarts, restarted), 1),
        "slowest_ack_ms": round(account.slowest_ms()),
        "restart_seconds": round(restarted - restarts),
    }
    if stack.overlay not in (*SOCKET_MODE, "workers"):  # there any pod runs what a conversation brings
        timing["moves_a_conversation"] = round(account.moves(), 2)
        timing["back_home"] = round(account.at_home(restarts, restarted), 2)
    return account, timing
