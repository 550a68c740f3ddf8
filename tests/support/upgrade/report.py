"""What there is at the end of an upgrade and of its way back."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.chaos.history import Findings
from tests.support.chaos.traffic import Account


@dataclass(frozen=True)
class Report:
    """The counts.

    `lanes`: how many lanes the conversations of the load had, over both releases. `run_by_both`: deliveries that both
    releases ran: a run that was cut short, or failed, in one of them and ended in the other.
    """

    account: Account
    findings: Findings
    states: dict[str, int]
    lost: list[str]
    ran_again_though_cancelled: int
    phases: list[dict[str, object]]
    lanes: int
    run_by_both: int

    def problems(self) -> list[str]:
        """What must not be; empty when all promises were kept."""
        unended = {state: count for state, count in self.states.items() if state not in ("done", "cancelled")}
        return [
            *(f"lost: {key} was acknowledged and has not ended" for key in self.lost),
            *(f"out of order: {what}" for what in self.findings.out_of_order),
            *(f"at once in a lane: {what}" for what in self.findings.at_once),
            *(f"ran again and was not cut short: {what}" for what in self.findings.unexplained),
            *(f"{count} deliveries are {state}" for state, count in unended.items()),
            *(["a delivery that was cancelled ran again"] if self.ran_again_though_cancelled else []),
        ]

    def counts(self) -> dict[str, object]:
        """For a reader."""
        return {
            "acknowledged": len(self.account.acknowledged),
            "answers": dict(self.account.statuses),
            "given up by Slack": len(self.account.given_up),
            "runs": self.findings.runs,
            "ended": self.states,
            "lost": len(self.lost),
            "run twice after a kill": self.findings.doubled["kill"],
            "run twice and not cut short": len(self.findings.unexplained),
            "out of order": len(self.findings.out_of_order),
            "two runs of a lane at once": len(self.findings.at_once),
            "deliveries run by both releases": self.run_by_both,
            "lanes of the load": self.lanes,
            "phases": self.phases,
        }
