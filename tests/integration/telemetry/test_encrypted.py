"""With TOKEN_KEYS, nothing secret and nothing that people wrote is in what a database or its backup holds."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from anchorbolt.emulator.player import request_headers
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.encryption import MARK, Keys
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.workspaces.installation import Token
from anchorbolt.workspaces.installations import Installations
from sqlalchemy.engine import make_url

from tests.contract.test_installations import ONE, USER
from tests.integration.app.conftest import StartApp
from tests.integration.telemetry.test_secrets import plant
from tests.support.waiting import until

KEY = b"k" * 32
BOT = Token("xoxe.xoxb-TOKEN-PLANTED-1", "xoxe-TOKEN-PLANTED-2", 2_000_000_000.0)
OF_USER = Token("xoxp-TOKEN-PLANTED-3", "xoxe-TOKEN-PLANTED-4")
IN_HEADERS = {"User-Agent": "HEADER-PLANTED-1", "X-Request-Id": "HEADER-PLANTED-2"}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_nothing_planted_is_in_a_dump(
    kind: str, start_app: StartApp, http: httpx.AsyncClient, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With secrets and texts planted in every payload that there is a sample of, in headers and in tokens, and with
    listeners that raise them: none is in a dump of PostgreSQL, or in the files of SQLite, its log among them."""
    database: Database
    dump: Callable[[], str]
    if kind == "sqlite":
        file = tmp_path / "inbox.db"
        url, database = f"sqlite:///{file}", SqliteDatabase(file, serves=False, busy_seconds=5)
        dump = lambda: "".join(one.read_bytes().decode("latin-1") for one in sorted(tmp_path.glob("inbox.db*")))  # noqa: E731 - one of two
    else:
        server = request.getfixturevalue("shared_postgres")
        url = await asyncio.to_thread(server.new_inbox)
        database = PostgresqlDatabase(make_url(url))
        dump = lambda: server.dump(url.rpartition("/")[2])  # noqa: E731 - as above
    app = start_app(
        LISTENERS="tests.integration.telemetry.gossiping_listeners",
        DATABASE_URL=url,
        TOKEN_KEYS=base64.b64encode(KEY).decode(),
        MAX_ATTEMPTS=2,
    )
    await app.until_ready()
    # 1. Tokens, and every sample, planted.
    await database.open()
    of = Installations(database.dialect, Keys([KEY]))
    await database.transact(lambda c: of.save(c, replace(ONE, bot=BOT)))
    await database.transact(lambda c: of.save_user(c, replace(USER, token=OF_USER)))
    await database.close()
    planted = [BOT.access, OF_USER.access, *IN_HEADERS.values()]
    planted += [token.refresh for token in (BOT, OF_USER) if token.refresh is not None]
    stored = 0
    for name in SAMPLES:
        sample, secrets = plant(make(name, Scene()))
        planted += secrets
        headers = request_headers(sample, EMULATOR_SECRET) | IN_HEADERS
        answer = await http.post(app.url, content=sample.body, headers=headers, timeout=30)
        stored += sample.family == "event" and answer.is_success
    assert len(planted) > 50
    # 2. All events are dead letters, with what they raised.
    await until(
        lambda: (
            sum(line["outcome"] == "dead" and line["kind"] == "event" for line in app.log("delivery ended")) >= stored
        ),
        what="all events are dead letters",
    )
    # 3. What is there of them is encrypted.
    seen = await asyncio.to_thread(dump)
    assert seen.count(MARK) >= 3 * stored
    for secret in planted:
        assert secret not in seen, f"{secret} is in the dump"
    encoded = [base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] for secret in planted]
    assert not [secret for secret in encoded if secret in seen]
