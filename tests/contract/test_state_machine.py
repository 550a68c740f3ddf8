"""The inbox against a model of it: whatever two processes do in whatever order, no promise breaks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.inbox.accept import Accept, Item
from anchorbolt.inbox.claim import Claim
from anchorbolt.inbox.complete import Complete, Completed
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.lease import End, Held, Lease, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.postgresql.accept import PostgresqlAccept
from anchorbolt.inbox.postgresql.complete import PostgresqlComplete
from anchorbolt.inbox.renew import Renew
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.store import Store
from anchorbolt.inbox.tables import delivery, lane
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from tests.support.postgresql import PostgreSQL

LEASE_SECONDS = 1000.0
LANES = ("C1", "C2", "!C3")  # the last one is that of urgent events
PROCESSES = ("one", "two")
FINAL = (End.DONE, End.DEAD, End.CANCELLED)


@dataclass
class Process:
    """The steps of one owner."""

    accept: Accept
    claim: Claim
    complete: Complete
    renew: Renew
    epoch: int = 0
    ever_held: list[Held] = field(default_factory=list)
    ended: list[Held] = field(default_factory=list)
    doubt: Doubt | None = None


@dataclass
class Doubt:
    """Ends that were sent, and no answer came. `written`: which of them that commit wrote, and kept the lane or not."""

    held: list[Held]
    outcomes: list[Outcome]
    written: dict[Held, bool]


@dataclass
class ModelLane:
    """What is live in a lane, and who may run it."""

    live: list[str] = field(default_factory=list)
    holder: Lease | None = None
    owner: str = ""
    left: float = 0  # seconds until it may be claimed


class InboxMachine(RuleBasedStateMachine):
    """Time passes only when a rule says so: leases and backoffs are moved towards us in the database."""

    make: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.database: Database = self.do(self.make())
        store = Store(self.database, time.monotonic)
        self.processes: dict[str, Process] = {}
        for name in PROCESSES:
            owner = Owner(name, LEASE_SECONDS)
            self.processes[name] = Process(
                self.database.accept(store, owner),
                Claim(store, owner),
                self.database.complete(store, owner),
                Renew(store, owner),
            )
        self.lanes = {name: ModelLane() for name in LANES}
        self.seen: dict[str, str] = {}  # key -> lane
        self.ended: set[str] = set()

    def do(self, work: Any) -> Any:
        """Runs a coroutine to its end."""
        return self.loop.run_until_complete(work)

    def transact(self, work: Any) -> Any:
        """One transaction."""
        return self.do(self.database.transact(work))

    def teardown(self) -> None:
        """Hypothesis' own hook."""
        self.do(self.database.close())
        self.loop.close()

    @rule(
        who=st.sampled_from(PROCESSES),
        group=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(LANES), st.booleans()), min_size=1),
        at_once=st.booleans(),
    )
    def accept(self, who: str, group: list[tuple[str, str, bool]], at_once: bool) -> None:
        """A group arrives: new ones, duplicates, several of one lane; by one statement, where the database has it."""
        process = self.processes[who]
        process.epoch += 1
        items = [
            Item(f"{name}-{where}", where, "event", "application/json", "{}", None, take) for name, where, take in group
        ]
        answers = None
        if at_once and isinstance(process.accept, PostgresqlAccept):
            answers = self.do(process.accept.in_one_statement(process.epoch, 0.0, items))
        if answers is None:
            answers = self.transact(lambda c: process.accept.in_transaction(c, process.epoch, 0.0, items))
        was_empty = {name: not model.live for name, model in self.lanes.items()}
        first = {where: take for _, where, take in reversed(group)}
        for item, answer in zip(items, answers, strict=True):
            model = self.lanes[item.lane]
            assert answer.new == (item.key not in self.seen)
            if not answer.new:
                assert answer.held is None
                continue
            self.seen[item.key] = item.lane
            takes = not model.live and was_empty[item.lane] and first[item.lane]
            model.live.append(item.key)
            assert (answer.held is not None) == takes
            if answer.held is not None:
                self.hold(who, answer.held)
            elif len(model.live) == 1:
                model.left = 0

    @rule(who=st.sampled_from(PROCESSES), most=st.integers(0, 3), urgent=st.integers(0, 2))
    def claim(self, who: str, most: int, urgent: int) -> None:
        """Somebody looks for lanes that wait, with room for so many urgent ones and so many others."""
        process = self.processes[who]
        process.epoch += 1
        claimable = {name for name, model in self.lanes.items() if model.live and model.left <= 0}
        claimed = self.transact(lambda c: process.claim.in_transaction(c, process.epoch, 0.0, most, urgent))
        lanes = [held.lease.lane for held in claimed.held]
        claimable_urgent = set(filter(is_urgent, claimable))
        of_urgent = min(urgent, len(claimable_urgent))
        assert len(set(lanes)) == len(lanes) == of_urgent + min(most, len(claimable - claimable_urgent))
        assert [is_urgent(name) for name in lanes] == [True] * of_urgent + [False] * (len(lanes) - of_urgent)
        assert set(lanes) <= claimable
        for held in claimed.held:
            assert held.taken_over == (self.lanes[held.lease.lane].holder is not None)
            self.hold(who, held)

    @precondition(lambda self: self.may_complete())
    @rule(
        who=st.sampled_from(PROCESSES),
        which=st.integers(0, 30),
        how=st.sampled_from(End),
        delay=st.sampled_from([0.0, 500.0]),
        go_on=st.booleans(),
        old_too=st.booleans(),
        commit=st.sampled_from(["answered", "answered", "answer lost", "lost"]),
        at_once=st.booleans(),
    )
    def complete(
        self, *, who: str, which: int, how: End, delay: float, go_on: bool, old_too: bool, commit: str, at_once: bool
    ) -> None:
        """A run ends, of a claim that may be long lost; with `old_too`, another of its claims in the same group."""
        who = who if who in self.may_complete() else self.may_complete()[0]
        process = self.processes[who]
        chosen = [process.ever_held[which % len(process.ever_held)]]
        if old_too and process.ever_held[0].lease != chosen[0].lease:
            chosen.append(process.ever_held[0])
        chosen = [one for one in chosen if not self.is_behind_us(who, one)]
        if not chosen:
            return
        outcomes = [
            Outcome(one.lease, one.stored.id, how, "error", delay, go_on, one.stored.attempts) for one in chosen
        ]
        if any(one in process.ended for one in chosen):
            commit = "answered"  # no run ends twice: only the fence is asked about that, which takes no notice of doubt
        process.ended += chosen
        if commit == "lost":
            process.doubt = Doubt(chosen, outcomes, {})
            return
        answers = self.write_ends(process, outcomes, at_once=at_once)
        written: dict[Held, bool] = {}
        for one, answer in zip(chosen, answers, strict=True):
            model = self.lanes[one.lease.lane]
            ours = self.is_ours(who, one)
            assert answer.written == ours
            if not ours:
                assert answer.following is None
                continue
            self.model_end(model, how, delay, go_on=go_on)
            written[one] = answer.following is not None
            assert written[one] == (how in FINAL and go_on and bool(model.live))
            if answer.following is not None and commit == "answered":
                self.hold(who, answer.following)
            elif answer.following is not None:  # the lease goes on anew, whether its owner hears of it or not
                model.left = LEASE_SECONDS
        if commit == "answer lost":
            process.doubt = Doubt(chosen, outcomes, written)

    def write_ends(self, process: Process, outcomes: list[Outcome], *, at_once: bool) -> list[Completed]:
        """`at_once`: by one statement, where the database has it, and the rest by a transaction."""
        written: dict[int, Completed] = {}
        if at_once and isinstance(process.complete, PostgresqlComplete):
            written = self.do(process.complete.in_one_statement(0.0, outcomes))
        left = [n for n in range(len(outcomes)) if n not in written]
        if left:
            answers = self.transact(lambda c: process.complete.in_transaction(c, 0.0, [outcomes[n] for n in left]))
            written.update(zip(left, answers, strict=True))
        return [written[n] for n in range(len(outcomes))]

    @precondition(lambda self: any(process.doubt for process in self.processes.values()))
    @rule()
    def complete_again(self) -> None:
        """An end in doubt is written again, whatever came to pass meanwhile: its answer tells whether it is stored."""
        who, process = next(found for found in self.processes.items() if found[1].doubt)
        doubt, process.doubt = process.doubt, None
        assert doubt is not None
        answers = self.transact(lambda c: process.complete.in_transaction(c, 0.0, doubt.outcomes, in_doubt=True))
        for one, outcome, answer in zip(doubt.held, doubt.outcomes, answers, strict=True):
            model = self.lanes[one.lease.lane]
            ours = self.is_ours(who, one)
            assert answer.written == (ours or (one in doubt.written and outcome.end in FINAL))
            if not ours:
                assert answer.following is None
                continue
            if one not in doubt.written:
                self.model_end(model, outcome.end, outcome.delay_seconds, go_on=outcome.go_on)
            assert (answer.following is not None) == (outcome.end in FINAL and outcome.go_on and bool(model.live))
            if answer.following is not None:
                self.hold(who, answer.following)

    @rule(who=st.sampled_from(PROCESSES))
    def renew(self, who: str) -> None:
        """Somebody renews all that it ever held: exactly what it still holds is renewed."""
        process = self.processes[who]
        leases = list({held.lease for held in process.ever_held})
        if not leases:
            return
        lost = self.transact(lambda c: process.renew.in_transaction(c, leases))
        ours = {m.holder for m in self.lanes.values() if m.holder is not None and m.owner == who}
        assert set(lost) == set(leases) - ours
        for model in self.lanes.values():
            if model.owner == who and model.holder is not None:
                model.left = LEASE_SECONDS

    @rule(seconds=st.sampled_from([100.0, 600.0, 1100.0]))
    def time_passes(self, seconds: float) -> None:
        """Leases run out and backoffs end."""
        moved = update(lane).values(claimable_at=lane.c.claimable_at - seconds)
        self.transact(lambda c: c.execute(moved) and None)
        for model in self.lanes.values():
            model.left -= seconds

    @invariant()
    def lanes_count_what_is_live(self) -> None:
        """A lane has a row exactly while something in it lives, and knows how much."""

        def look(connection: Any) -> tuple[dict[str, int], dict[str, int]]:
            live = select(delivery.c.lane, func.count()).where(delivery.c.state == "live").group_by(delivery.c.lane)
            pending = select(lane.c.name, lane.c.pending)
            return dict(connection.execute(pending).all()), dict(connection.execute(live).all())

        pending, live = self.transact(look)
        assert pending == live == {name: len(model.live) for name, model in self.lanes.items() if model.live}

    def hold(self, who: str, held: Held) -> None:
        """Only the oldest of a lane is ever held."""
        model = self.lanes[held.lease.lane]
        assert held.stored.key == model.live[0]
        model.holder, model.owner, model.left = held.lease, who, LEASE_SECONDS
        self.processes[who].ever_held.append(held)

    def may_complete(self) -> list[str]:
        """Who ever held something. What is in doubt is written again before any other end."""
        return [name for name, process in self.processes.items() if process.ever_held and not process.doubt]

    def is_ours(self, who: str, held: Held) -> bool:
        """Whether that claim of this process still counts."""
        model = self.lanes[held.lease.lane]
        return model.holder == held.lease and model.owner == who

    def is_behind_us(self, who: str, held: Held) -> bool:
        """An earlier delivery of a lease that went on to the next: its run is over, and says nothing any more."""
        model = self.lanes[held.lease.lane]
        return self.is_ours(who, held) and held.stored.key != model.live[0]

    def model_end(self, model: ModelLane, how: End, delay: float, *, go_on: bool) -> None:
        """What an end does to the model."""
        if how in FINAL:
            self.ended.add(model.live.pop(0))
            if go_on and model.live:
                return
            model.holder, model.left = None, delay
        else:
            model.holder, model.left = None, delay


def test_two_processes_on_sqlite(request: pytest.FixtureRequest) -> None:
    """On SQLite, no order of accepts, claims, ends, renewals and time breaks order, fence or count."""

    async def make() -> Database:
        database = SqliteDatabase(None)
        await database.open()
        await database.migrate()
        return database

    run(make, examples=80)


def test_two_processes_on_postgresql(shared_postgres: PostgreSQL) -> None:
    """On PostgreSQL, the same."""

    async def make() -> Database:
        database = PostgresqlDatabase(make_url(shared_postgres.new_inbox()), connections=1)
        await database.open()
        return database

    run(make, examples=12)


def run(make: Any, *, examples: int) -> None:
    """Plays `examples` sequences of steps."""
    machine = type("Machine", (InboxMachine,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=False,
        ),
    )
