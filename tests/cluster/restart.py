"""A restart in the middle of load, and what it did to the acks."""

from __future__ import annotations

from tests.cluster.stack import Stack
from tests.cluster.traffic import Account

STEADY_SECONDS = 15
RATE = 50


def restart_under_load(stack: Stack, *workloads: str, rate: float = RATE) -> tuple[Account, dict[str, float]]:
    """Steady load, the restart in the middle of it, a little after; p99 of the ack before and during, in ms."""
    traffic = stack.traffic(rate)
    begin, restarts = traffic.go_on_for(STEADY_SECONDS)
    for workload in workloads:
        stack.restart(workload)
    restarted = traffic.go_on_for(5)[0]
    account = traffic.end()
    return account, {
        "ack_p99_steady_ms": round(account.ack_p99_ms(begin, restarts), 1),
        "ack_p99_restart_ms": round(account.ack_p99_ms(restarts, restarted), 1),
        "slowest_ack_ms": round(account.slowest_ms()),
        "restart_seconds": round(restarted - restarts),
        "moves_a_conversation": round(account.moves(), 2),
        "back_home": round(account.at_home(restarts, restarted), 2),
    }
