"""The inbox's schema: deliveries, the lease on each lane that has some, the leader lock, and the inbox's own row.

Times are seconds since 1970 by the database's clock, in both databases, so that one code path serves them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

from anchorbolt.inbox.sql import SQLITE

# What this app needs (see schema.py for what it does with other values).
REVISION = 8

# SQLite counts rows by itself only in a column of exactly this type.
Id = BigInteger().with_variant(Integer, SQLITE)

metadata = MetaData()

# Which rows an index holds. SQLAlchemy has a keyword for that a dialect, and loads each that is named: 2 MiB more.
WHERE = "where"


@compiles(CreateIndex)
def _create_index(create: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:
    made: str = compiler.visit_create_index(create, **options)  # type: ignore[no-untyped-call] # SQLAlchemy's own
    where = create.element.info.get(WHERE)
    return f"{made} WHERE {where}" if where else made


delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),  # the order; never used again, see `create` in schema.py
    Column("key", Text, nullable=False, unique=True),
    Column("lane", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", Text),  # NULL once done: it holds a response_url and tokens
    Column("traceparent", Text),
    Column("received_at", Double, nullable=False),
    Column("state", Text, nullable=False),  # live | done | dead | cancelled
    Column("attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("error", Text),
    Column("ended_at", Double),
    Column("headers", Text),  # of the request, the text of a JSON object; NULL once done
    Column("workspace", Text),
    Column("conversation", Text),
    Column("listener", Text),  # that Bolt found for it; NULL until it was matched
    Column("started_at", Double),  # of its last attempt, where that is not the one that began with its arrival
    Column("history", Text),  # of its attempts, a line of JSON each (history.py); NULL once done
)
Index("delivery_live", delivery.c.lane, delivery.c.id, info={WHERE: "state = 'live'"})
Index("delivery_ended", delivery.c.state, delivery.c.ended_at, info={WHERE: "state <> 'live'"})

lane = Table(
    "lane",
    metadata,
    Column("name", Text, primary_key=True),
    Column("pending", Integer, nullable=False),
    Column("owner", Text),
    # With the owner, which is one process, it names one claim and no other: the number of that claim in the process.
    Column("epoch", BigInteger, nullable=False),
    # When anybody may claim it: since when it waits, when its backoff ends, or when the lease of its owner runs out.
    Column("claimable_at", Double, nullable=False),
    Column("workspace", Text),
    # What it waits for, other than a time, such as `hold:app.answer` (parking.py); NULL: nothing.
    Column("waits_for", Text),
    # The delivery whose run is to be cancelled, by its id, and who said so; NULL: none.
    Column("cancel_id", BigInteger),
    Column("cancelled_by", Text),
)
Index("lane_claimable", lane.c.claimable_at)
# Lanes of urgent events, by the first sign of their names (delivery/urgent.py): found among any number of others.
Index("lane_urgent", lane.c.claimable_at, info={WHERE: "substr(name, 1, 1) = '!'"})

Index("lane_waits_for", lane.c.waits_for, lane.c.claimable_at, info={WHERE: "waits_for IS NOT NULL"})
# Lanes that wait for a slot or a time, by what they have their turns with (turns.py). What runs is not in it.
Index(
    "lane_turns",
    text("coalesce(workspace, '')"),
    lane.c.claimable_at,
    info={WHERE: "owner IS NULL AND waits_for IS NULL"},
)
# The same of lanes that are parked, by what they wait for.
Index(
    "lane_parked_turns",
    lane.c.waits_for,
    text("coalesce(workspace, '')"),
    lane.c.claimable_at,
    info={WHERE: "owner IS NULL AND waits_for IS NOT NULL"},
)
Index("lane_cancel", lane.c.owner, info={WHERE: "cancel_id IS NOT NULL"})

# The leader lock: who does what one process alone may do; at most a row a name (leader_lock.py). The table has kept the
# name that it was made with.
seat = Table(
    "seat",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text),  # NULL: nobody's
    Column("epoch", BigInteger, nullable=False),
    Column("held_until", Double, nullable=False),
    Column("served", SmallInteger, nullable=False),  # 1: the owner does the leader's work; until then it prepares
)

# Listeners whose deliveries die one after the other of the same error, by version of the app (holds.py).
hold = Table(
    "hold",
    metadata,
    Column("listener", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),  # of the error
    Column("deaths", Integer, nullable=False),
    Column("held_at", Double),  # NULL: it is not held
    Column("updated_at", Double, nullable=False),
)

# What operators have paused: `scope` is listener, kind, workspace or conversation, `name` is which. A pause of all
# is in `inbox`, where older versions look.
pause = Table(
    "pause",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("paused_by", Text, nullable=False),
    Column("paused_at", Double, nullable=False),
)

# Methods of the Web API that Slack has limited for a workspace: nobody calls one before `opens_at`, and then one call
# after each `apart_seconds`.
gate = Table(
    "gate",
    metadata,
    Column("method", Text, primary_key=True),
    Column("workspace", Text, primary_key=True),
    Column("opens_at", Double, nullable=False),
    Column("apart_seconds", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

# Circuit breakers that are open: of the Web API, or of one listener. One process at a time has the probe.
breaker = Table(
    "breaker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("opened_at", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("probe_at", Double, nullable=False),  # when the next probe may begin
    Column("probed_by", Text),
    Column("updated_at", Double, nullable=False),
)

# Workspaces that the app is installed in (workspaces/installations.py). Tokens are encrypted with TOKEN_KEYS.
installation = Table(
    "installation",
    metadata,
    # The id of the workspace (T...), or of the Enterprise organization of an installation that is org-wide (E...).
    Column("workspace", Text, primary_key=True),
    Column("enterprise_id", Text),
    Column("org_wide", SmallInteger, nullable=False),
    Column("name", Text),  # of the workspace or the organization
    Column("state", Text, nullable=False),  # InstallationState
    Column("reason", Text),  # why it must be installed again
    Column("bot_token", Text),  # NULL: the app has no bot there
    Column("bot_refresh_token", Text),
    Column("bot_expires_at", Double),  # NULL: the token does not expire
    Column("bot_id", Text),
    Column("bot_user_id", Text),
    Column("scopes", Text, nullable=False),  # that were granted to the bot, separated by commas
    Column("installed_by", Text),  # the id of a user
    Column("installed_at", Double, nullable=False),  # by Slack's clock, to compare with the time of an event
    Column("version", Integer, nullable=False),  # raised by each change of the tokens
    # Who refreshes the bot's token, and until when nobody else does.
    Column("refresh_owner", Text),
    Column("refresh_until", Double),
    Column("updated_at", Double, nullable=False),
)

# The tokens of users who have granted scopes of their own.
user_token = Table(
    "user_token",
    metadata,
    Column("workspace", Text, primary_key=True),  # that of its installation
    Column("user_id", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("refresh_token", Text),
    Column("expires_at", Double),
    Column("scopes", Text, nullable=False),
    Column("state", Text, nullable=False),  # as of an installation
    Column("reason", Text),
    Column("installed_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    Column("refresh_owner", Text),
    Column("refresh_until", Double),
    Column("updated_at", Double, nullable=False),
)

# Installations that have begun and not ended: hashes alone, because the values open a flow.
oauth_state = Table(
    "oauth_state",
    metadata,
    Column("state_hash", Text, primary_key=True),
    Column("browser_hash", Text, nullable=False),  # of the cookie of the browser that began it
    Column("expires_at", Double, nullable=False),
)
Index("oauth_state_expires", oauth_state.c.expires_at)

# Which processes there are, each as it last said (pods.py).
pod = Table(
    "pod",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),  # of the team's code
    Column("state", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("seen_at", Double, nullable=False),
)

# One row. `compatible_from`: the oldest app revision that can live with this schema.
inbox = Table(
    "inbox",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("compatible_from", Integer, nullable=False),
    Column("paused_at", Double),
    Column("paused_by", Text),
)
