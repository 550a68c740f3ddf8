"""What an app has saved with slack_sdk is taken over whole, in one way in all databases, never over what is younger."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from anchorbolt.cli.inbox.session import PATIENT_SECONDS
from anchorbolt.encryption import Keys, is_encrypted
from anchorbolt.errors import AnchorboltError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.tables import installation
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.stores import files, tables
from anchorbolt.workspaces.stores.gathering import Gathered, Gathering
from anchorbolt.workspaces.stores.saving import HERE, LOT, YOUNGER, Saved, save
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.installation_store.models.installation import Installation as Theirs
from slack_sdk.oauth.installation_store.sqlalchemy import (
    AsyncSQLAlchemyInstallationStore,
    SQLAlchemyInstallationStore,
)
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgresql import PostgreSQL

NOW = 1_800_000_000.0
CLIENT = "1.2"
MANY = 250  # in lots of 100, of which the last is not full
KEYS = Keys([b"k" * 32])


def theirs(n: int, **more: object) -> Theirs:
    """An installation as Bolt saves it. Each tenth has a user's token, each third rotates."""
    rotates = n % 3 == 0
    values: dict[str, object] = {
        "app_id": "A1",
        "team_id": f"T{n}",
        "team_name": f"Team {n}",
        "bot_token": f"xoxb-{n}",
        "bot_id": f"B{n}",
        "bot_user_id": f"U{n}B",
        "bot_scopes": ["chat:write", "commands"],
        "bot_refresh_token": f"xoxe-{n}" if rotates else None,
        "bot_token_expires_at": int(NOW) + 3600 if rotates else None,
        "user_id": f"U{n}",
        "user_token": f"xoxp-{n}" if n % 10 == 0 else None,
        "user_scopes": ["search:read"] if n % 10 == 0 else [],
        "installed_at": NOW - 1000 + n / 8,
    }
    return Theirs(**(values | more))  # type: ignore[arg-type] # its arguments by name


def ours(n: int) -> Installation:
    """What is to be here of it."""
    rotates = n % 3 == 0
    return Installation(
        workspace=f"T{n}",
        bot=Token(f"xoxb-{n}", f"xoxe-{n}", NOW + 3600) if rotates else Token(f"xoxb-{n}"),
        name=f"Team {n}",
        bot_id=f"B{n}",
        bot_user_id=f"U{n}B",
        scopes=("chat:write", "commands"),
        installed_by=f"U{n}",
        installed_at=NOW - 1000 + n / 8,
    )


def sqlalchemy_store(path: Path) -> SQLAlchemyInstallationStore:
    """slack_sdk's store in a SQLite file."""
    store = SQLAlchemyInstallationStore(client_id=CLIENT, engine=create_engine(f"sqlite:///{path}"))
    store.create_tables()  # type: ignore[no-untyped-call] # theirs
    return store


async def read(source: Path, client_id: str | None = CLIENT) -> tuple[list[Gathered], Gathering]:
    """What is found in a store."""
    into = Gathering(client_id, NOW)
    if source.suffix != ".db":
        files.gather(source, client_id, into)
    else:
        await tables.gather(f"sqlite:///{source}", tables.Names(), into)
    return into.result(), into


async def take_over(inbox: Inbox, gathered: list[Gathered], *, dry: bool = False) -> Saved:
    """Saves it."""
    installations = Installations(inbox.database.dialect, KEYS)
    saved = Saved()
    for begin in range(0, len(gathered), LOT):
        lot = gathered[begin : begin + LOT]
        work = partial(save, installations=installations, lot=lot, dry=dry)
        saved.add(await inbox.database.transact(work, PATIENT_SECONDS))  # as the command does
    return saved


async def here(inbox: Inbox) -> dict[str, Installation]:
    """The installations here."""
    installations = Installations(inbox.database.dialect, KEYS)
    return {one.workspace: one for one in await inbox.store.transact(installations.all)}


async def user(inbox: Inbox, workspace: str, user_id: str) -> UserToken | None:
    """A user's token here."""
    installations = Installations(inbox.database.dialect, KEYS)
    return await inbox.store.transact(lambda c: installations.find_user(c, workspace, user_id))


@pytest.fixture(scope="module", params=["tables", "files"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with many installations, made once: it takes a while."""
    path = tmp_path_factory.mktemp("stores") / ("store.db" if request.param == "tables" else "store")
    store: SQLAlchemyInstallationStore | FileInstallationStore
    if request.param == "tables":
        store = sqlalchemy_store(path)
        with store.engine.connect() as connection:  # a commit for each is a wait for the disk
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    else:
        store = FileInstallationStore(base_dir=str(path))
    for n in range(MANY):
        store.save(theirs(n))
    return path


async def test_many_installations_are_found(inbox: Inbox, many: Path) -> None:
    """Each is here as it was there, with its user's token; they are encrypted; a dry run saves none of them."""
    gathered, _ = await read(many)

    assert len(gathered) == MANY
    assert len((await take_over(inbox, gathered, dry=True)).workspaces) == MANY
    assert await here(inbox) == {}
    saved = await take_over(inbox, gathered)
    assert (len(saved.workspaces), saved.users, saved.skipped) == (MANY, MANY // 10, [])
    assert await here(inbox) == {f"T{n}": ours(n) for n in range(MANY)}
    assert await user(inbox, "T10", "U10") == UserToken(
        "T10", "U10", Token("xoxp-10"), ("search:read",), NOW - 1000 + 10 / 8
    )
    tokens = await inbox.store.transact(lambda c: c.execute(select(installation.c.bot_token)).scalars().all())
    assert all(map(is_encrypted, tokens))


async def test_a_store_in_postgresql_is_found(shared_postgres: PostgreSQL) -> None:
    """It is read by its URL, whatever driver that names, and with times as PostgreSQL gives them."""
    url = shared_postgres.new_database().partition("://")[2]
    engine = create_async_engine(f"postgresql+asyncpg://{url}")
    store = AsyncSQLAlchemyInstallationStore(client_id=CLIENT, engine=engine)
    async with engine.begin() as connection:
        await connection.run_sync(store.metadata.create_all)
    for n in range(30):
        await store.async_save(theirs(n))
    await engine.dispose()
    for scheme in ("postgresql", "postgresql+psycopg2"):
        into = Gathering(CLIENT, NOW)
        await tables.gather(f"{scheme}://{url}", tables.Names(), into)
        assert {one.installation.workspace: one.installation for one in into.result()} == {
            f"T{n}": ours(n) for n in range(30)
        }


async def test_a_store_of_sqlite3_is_found(tmp_path: Path) -> None:
    """The tables of slack_sdk's sqlite3 store have the same columns, with empty texts for what there is not."""
    path = tmp_path / "store.db"
    store = SQLite3InstallationStore(database=str(path), client_id=CLIENT)
    for n in range(4):
        store.save(theirs(n))
    gathered, into = await read(path)
    assert [one.installation.workspace for one in gathered] == ["T0", "T1", "T2", "T3"]
    assert gathered[3].installation.bot == ours(3).bot
    assert into.skipped == []


@pytest.mark.parametrize(("client_id", "keeps_past"), [(CLIENT, True), (None, False)])
async def test_files_of_other_settings_of_the_store_are_found(
    tmp_path: Path, client_id: str | None, keeps_past: bool
) -> None:
    """In a folder of the client id, which is named or is the only one; and without files of the past."""
    store = FileInstallationStore(
        base_dir=str(tmp_path / "store"), client_id=client_id, historical_data_enabled=keeps_past
    )
    for n in range(20):
        store.save(theirs(n))
    for wanted in {client_id, None}:
        gathered, _ = await read(tmp_path / "store", wanted)
        assert {one.installation.workspace: one.installation for one in gathered} == {
            f"T{n}": ours(n) for n in range(20)
        }
        assert [user.user_id for one in gathered for user in one.users] == ["U0", "U10"]
    FileInstallationStore(base_dir=str(tmp_path / "store" / "other")).save(theirs(1))
    if client_id is not None:
        with pytest.raises(AnchorboltError, match=r"other client ids: 1\.2, other"):
            await read(tmp_path / "store", None)


@pytest.mark.parametrize("layout", ["tables", "files"])
async def test_an_org_wide_installation_is_found_by_its_organization(tmp_path: Path, layout: str) -> None:
    """Also one that was saved with a team id, which slack_sdk itself never finds; and beside it a workspace's own."""
    path = tmp_path / "store.db" if layout == "tables" else tmp_path / "store"
    store = sqlalchemy_store(path) if layout == "tables" else FileInstallationStore(base_dir=str(path))
    org = {"enterprise_id": "E1", "enterprise_name": "Org", "is_enterprise_install": True}
    store.save(theirs(1, **org, bot_token="xoxb-with-team"))
    store.save(theirs(2, **{**org, "enterprise_id": "E2", "team_id": None, "team_name": None}))
    store.save(theirs(3, enterprise_id="E1"))
    assert store.find_installation(enterprise_id="E1", team_id="T1", is_enterprise_install=True) is None  # the trap
    gathered, _ = await read(path)

    found = {one.installation.workspace: one.installation for one in gathered}
    assert {name: (one.org_wide, one.enterprise_id, one.name) for name, one in found.items()} == {
        "E1": (True, "E1", "Org"),
        "E2": (True, "E2", "Org"),
        "T3": (False, "E1", "Team 3"),
    }
    assert found["E1"].bot == Token("xoxb-with-team")


@pytest.mark.parametrize("layout", ["tables", "files"])
async def test_the_newest_of_each_workspace_counts(tmp_path: Path, layout: str) -> None:
    """The latest installation, the token that came of the last refresh, and the newest token of each user."""
    path = tmp_path / "store.db" if layout == "tables" else tmp_path / "store"
    store = sqlalchemy_store(path) if layout == "tables" else FileInstallationStore(base_dir=str(path))
    rotates = {"bot_refresh_token": "xoxe-a", "bot_token_expires_at": int(NOW) + 60}
    store.save(theirs(1, installed_at=NOW - 9, user_id="UA", user_token="xoxp-a", bot_token="xoxb-old"))
    store.save(theirs(1, installed_at=NOW - 5, user_id="UB", user_token="xoxp-b", **rotates))
    refreshed = store.find_bot(enterprise_id=None, team_id="T1")
    assert refreshed is not None
    refreshed.bot_token, refreshed.bot_refresh_token = "xoxb-new", "xoxe-b"
    refreshed.bot_token_expires_at = int(NOW) + 7200
    store.save_bot(refreshed)
    # The last who installed it granted scopes of a user alone.
    store.save(theirs(1, installed_at=NOW - 1, user_id="UC", user_token="xoxp-c", bot_token=None, bot_scopes=[]))
    ((one,), _) = await read(path)
    assert one.installation.bot == Token("xoxb-new", "xoxe-b", NOW + 7200)
    assert (one.installation.scopes, one.installation.installed_by) == (("chat:write", "commands"), "UC")
    assert one.installation.installed_at == NOW - 1
    assert [(user.user_id, user.access) for user in one.users] == [
        ("UA", "xoxp-a"),
        ("UB", "xoxp-b"),
        ("UC", "xoxp-c"),
    ]


async def test_a_younger_installation_is_never_overwritten(inbox: Inbox, tmp_path: Path) -> None:
    """What is here and younger stays, what was refreshed here stays, and what is older is replaced."""
    store = sqlalchemy_store(tmp_path / "store.db")
    for n in (1, 2, 3, 4):
        store.save(theirs(n, bot_refresh_token="xoxe-x", bot_token_expires_at=int(NOW) + 60))
    installations = Installations(inbox.database.dialect, KEYS)
    younger = replace(ours(1), bot=Token("xoxb-mine"), installed_at=NOW)
    refreshed = replace(ours(2), bot=Token("xoxb-refreshed", "xoxe-y", NOW + 9000))
    older = replace(ours(3), bot=Token("xoxb-old"), installed_at=NOW - 5000)
    for one in (younger, refreshed, older):
        await inbox.store.transact(lambda c, one=one: installations.save(c, one))
    gathered, _ = await read(tmp_path / "store.db")
    dry = await take_over(inbox, gathered, dry=True)
    saved = await take_over(inbox, gathered)

    assert dry.workspaces == saved.workspaces == ["T3", "T4"]
    assert {(one.what, one.reason) for one in saved.skipped} == {("T1", YOUNGER), ("T2", YOUNGER)}
    found = await here(inbox)
    assert (found["T1"].bot, found["T2"].bot) == (younger.bot, refreshed.bot)
    assert found["T3"].bot == Token("xoxb-3", "xoxe-x", NOW + 60)
    again = await take_over(inbox, gathered)
    assert again.workspaces == []
    assert {(one.what, one.reason) for one in again.skipped} >= {("T3", HERE), ("T4", HERE)}


async def test_one_that_is_installed_while_it_is_taken_over_stays(inbox: Inbox, tmp_path: Path) -> None:
    """The comparison is repeated in the statement that writes."""
    installations = Installations(inbox.database.dialect, KEYS)
    younger = replace(ours(1), bot=Token("xoxb-mine"), installed_at=NOW)
    await inbox.store.transact(lambda c: installations.save(c, younger))
    assert not await inbox.store.transact(lambda c: installations.save(c, ours(1), only_younger=True))
    grant = UserToken("T1", "U1", Token("xoxp-mine"), (), NOW)
    assert await inbox.store.transact(lambda c: installations.save_user(c, grant, only_younger=True))
    older = replace(grant, token=Token("xoxp-old"), installed_at=NOW - 1)
    assert not await inbox.store.transact(lambda c: installations.save_user(c, older, only_younger=True))
    assert (await here(inbox))["T1"].bot == Token("xoxb-mine")
    assert await user(inbox, "T1", "U1") == grant


async def test_what_cannot_be_used_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """Without a token, with one that expired for good, with a broken file, or of another app: the others are found."""
    folder = tmp_path / "files"
    store = FileInstallationStore(base_dir=str(folder))
    store.save(theirs(1))
    store.save(theirs(2, bot_token=None))
    store.save(theirs(4, bot_token_expires_at=int(NOW) - 1))
    store.save(theirs(5, installed_at=NOW))
    (folder / "none-T5" / "bot-latest").write_text("{")
    (folder / "none-T6").mkdir()
    (folder / "none-T6" / "installer-latest").write_text('["xoxb-planted"]')
    (folder / "none-T7").mkdir()
    (folder / "none-T7" / "installer-latest").write_text(
        '{"team_id":"T7","bot_token":"x","installed_at":"xoxb-planted"}'
    )
    (folder / "none-T8").mkdir()
    (folder / "none-T8" / "installer-latest").write_text('{"bot_token":"xoxb-planted"}')
    gathered, into = await read(folder, None)
    assert [one.installation.workspace for one in gathered] == ["T1", "T5"]
    assert {(one.what, one.reason) for one in into.skipped} == {
        ("T2", "it has no token"),
        ("T4", "its tokens have expired"),
        ("none-T5/bot-latest", "it cannot be read"),
        ("none-T6/installer-latest", "it holds no installation"),
        ("none-T7/installer-latest", "installed_at is no time"),
        ("none-T8/installer-latest", "it names neither a workspace nor an organization"),
    }

    of_another = SQLAlchemyInstallationStore(client_id="9.9", engine=sqlalchemy_store(tmp_path / "s.db").engine)
    of_another.save(theirs(9))
    gathered, into = await read(tmp_path / "s.db")
    assert (gathered, into.of_others) == ([], 2)


async def test_a_store_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    """A wrong path, table, database or URL is a message, and the store is not made by looking for it."""
    with pytest.raises(AnchorboltError, match="there is no file"):
        await tables.gather(f"sqlite:///{tmp_path}/none.db", tables.Names(), Gathering(None, NOW))
    sqlalchemy_store(tmp_path / "store.db")
    with pytest.raises(AnchorboltError, match="there is no table other"):
        await tables.gather(f"sqlite:///{tmp_path}/store.db", tables.Names("other"), Gathering(None, NOW))
    (tmp_path / "no.db").write_text("no database, but long enough to be taken for something that it is not")
    for url in (f"sqlite:///{tmp_path}/no.db", "postgresql://u:planted@127.0.0.1:1/x", "mysql://u:planted@h/x"):
        with pytest.raises(AnchorboltError) as raised:
            await tables.gather(url, tables.Names(), Gathering(None, NOW))
        assert "planted" not in str(raised.value)
    assert not (tmp_path / "none.db").exists()
