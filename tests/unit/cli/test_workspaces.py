"""What `anchorbolt workspaces` says and does; and nothing of a token is in any of it."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from anchorbolt.encryption import Keys
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.installation_state import InstallationState
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.installation_store.models.installation import Installation as Theirs

from tests.support.threaded_server import threaded_server
from tests.unit.cli.test_looking import look

KEY = b"k" * 32
TOKEN_KEYS = base64.b64encode(KEY).decode()
# In every secret there is.
PLANTED = "pl4nt3d"
AT = 1_700_000_000.0
ONE = Installation(
    workspace="T1",
    bot=Token(f"xoxb-{PLANTED}-1", f"xoxe-{PLANTED}-1", 2_000_000_000.0),
    name="One\x1b[2J",
    bot_id="B1",
    bot_user_id="U0",
    scopes=("chat:write", "commands"),
    installed_by="U9",
    installed_at=AT,
)
ORG = replace(ONE, workspace="E2", bot=Token(f"xoxb-{PLANTED}-2"), name="Two", org_wide=True, enterprise_id="E2")
BROKEN = replace(
    ONE,
    workspace="T3",
    name="Three",
    state=InstallationState.REINSTALL_NEEDED,
    reason="Slack says invalid_refresh_token",
)
USER = UserToken("T1", "U1", Token(f"xoxp-{PLANTED}-1"), ("search:read",), AT)


def fill(directory: Path, *found: Installation | UserToken, keys: bytes = KEY) -> None:
    """An inbox with these installations and users' tokens."""

    async def work() -> None:
        inbox = Inbox(SqliteDatabase(directory / "var" / "anchorbolt.db"), lease_seconds=9)
        await inbox.open()
        installations = Installations("sqlite", Keys([keys]))
        for one in found:
            if isinstance(one, Installation):
                await inbox.store.transact(lambda c, one=one: installations.save(c, one))
            else:
                await inbox.store.transact(lambda c, one=one: installations.save_user(c, one))
        await inbox.close()

    asyncio.run(work())


def call(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`anchorbolt workspaces`, which never prints a secret."""
    result = look(directory, "workspaces", *arguments, **{"TOKEN_KEYS": TOKEN_KEYS, **more})
    assert PLANTED not in result.stdout + result.stderr
    assert TOKEN_KEYS not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result


def listed(directory: Path) -> list[str]:
    """The ids that `workspaces list` prints."""
    return [one["workspace"] for one in json.loads(call(directory, "list", "--json").stdout)["workspaces"]]


def test_the_list_has_a_line_for_each_in_full_width(tmp_path: Path) -> None:
    """Id, name, org-wide, state with its reason, scopes, expiry, when and by whom, users; piped, no line is broken."""
    fill(tmp_path, ONE, ORG, BROKEN, USER)
    lines = call(tmp_path, "list").stdout.splitlines()
    assert lines[0] == "2 installed, 1 reinstall needed"
    assert lines[1].split() == [
        "workspace",
        "name",
        "org-wide",
        "state",
        "scopes",
        "expires",
        "installed",
        "by",
        "users",
    ]
    assert [line.split()[0] for line in lines[2:]] == ["E2", "T1", "T3"]
    assert lines[2].split() == [
        "E2",
        "Two",
        "yes",
        "installed",
        "chat:write,commands",
        "2023-11-14T22:13:20+00:00",
        "U9",
    ]
    assert r"One\u001b[2J" in lines[3]
    assert lines[3].split()[-3:] == ["2023-11-14T22:13:20+00:00", "U9", "1"]
    assert "reinstall needed (Slack says invalid_refresh_token)" in lines[4]


def test_the_list_can_be_limited_and_read_by_programs(tmp_path: Path) -> None:
    """--state leaves one state, --most so many and says how many there are, --json has fields."""
    fill(tmp_path, ONE, ORG, BROKEN, USER)
    broken = json.loads(call(tmp_path, "list", "--state", "reinstall_needed", "--json").stdout)
    assert (broken["found"], [one["workspace"] for one in broken["workspaces"]]) == (1, ["T3"])
    first = call(tmp_path, "list", "--most", "1").stdout
    assert "1 of 3. `--most` lists more" in first
    assert call(tmp_path, "list", "--state", "other").returncode == 2
    (one,) = [
        one for one in json.loads(call(tmp_path, "list", "--json").stdout)["workspaces"] if one["workspace"] == "T1"
    ]
    assert (one["rotates"], one["expires_at"], one["users"]) == (True, 2_000_000_000.0, 1)


def test_one_is_shown_with_its_users(tmp_path: Path) -> None:
    """All that is known but the tokens; an id that is not there is said, and the command ends with 1."""
    fill(tmp_path, ONE, USER)
    shown = call(tmp_path, "show", "T1").stdout
    assert "chat:write, commands" in shown
    assert "user U1: installed, search:read, since 2023-11-14T22:13:20+00:00" in shown
    assert json.loads(call(tmp_path, "show", "T1", "--json").stdout)["users"][0]["user"] == "U1"
    unknown = call(tmp_path, "show", "T9")
    assert (unknown.returncode, unknown.stderr.count("T9")) == (1, 1)


def test_without_the_key_it_is_said_that_tokens_cannot_be_decrypted(tmp_path: Path) -> None:
    """The list says it for each workspace, and nothing is revoked or removed."""
    fill(tmp_path, ONE, USER, keys=b"x" * 32)
    assert "TOKEN_KEYS has no key" in call(tmp_path, "list").stdout
    assert "user U1: reinstall_needed (TOKEN_KEYS has no key" in call(tmp_path, "show", "T1").stdout
    revoked = call(tmp_path, "revoke", "T1", SLACK_API_URL="http://127.0.0.1:1/api/")
    assert revoked.returncode == 1
    assert "the token of user U1 cannot be decrypted" in revoked.stdout
    assert "the bot's token cannot be used: TOKEN_KEYS has no key" in revoked.stdout
    assert "give the command again in a pod, or with the TOKEN_KEYS of the pods" in revoked.stderr
    assert "forget" not in revoked.stderr, "it would delete tokens that could be revoked"
    assert listed(tmp_path) == ["T1"]


@dataclass
class FakeSlack:
    """Answers auth.revoke, and keeps the tokens that it was asked to revoke."""

    url: str = ""
    answers: dict[str, object] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    together: threading.Barrier | None = None  # so many are answered at once


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack that revokes all tokens for which there is no other answer."""
    slack = FakeSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # slack_sdk calls auth.revoke so, with the token in the header
            token = self.headers["Authorization"].removeprefix("Bearer ")
            slack.asked.append(token)
            if slack.together is not None:
                slack.together.wait(50)
            answer = json.dumps(slack.answers.get(token, {"ok": True, "revoked": True})).encode()
            self.send_response(slack.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    with threaded_server(Handler) as port:
        slack.url = f"http://127.0.0.1:{port}/api/"
        yield slack


def test_revoking_asks_slack_for_each_token_and_removes_the_installation(tmp_path: Path, slack: FakeSlack) -> None:
    """The users' tokens first, then the bot's; one that Slack calls worthless is removed too. Others stay."""
    fill(tmp_path, ONE, USER, ORG)
    slack.answers[str(USER.access)] = {"ok": False, "error": "token_revoked"}
    revoked = call(tmp_path, "revoke", "T1", SLACK_API_URL=slack.url)
    assert revoked.returncode == 0, revoked.stderr
    assert slack.asked == [f"xoxp-{PLANTED}-1", f"xoxb-{PLANTED}-1"]
    assert revoked.stdout.splitlines() == [
        "T1: the token of user U1 was worth nothing any more (token_revoked)",
        "T1: the bot's token revoked",
        "T1: removed",
    ]
    assert listed(tmp_path) == ["E2"]
    assert call(tmp_path, "revoke", "T1", SLACK_API_URL=slack.url).returncode == 1


def test_two_operators_revoke_at_once(tmp_path: Path, slack: FakeSlack) -> None:
    """Both are told that it is removed: neither that it was installed again, nor that a token is left."""
    fill(tmp_path, ONE, USER)
    slack.together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as operators:
        both = [operators.submit(call, tmp_path, "revoke", "T1", SLACK_API_URL=slack.url) for _ in range(2)]
    for revoked in (one.result() for one in both):
        assert (revoked.returncode, revoked.stderr) == (0, "")
        assert revoked.stdout.splitlines()[-1] == "T1: removed"
    assert listed(tmp_path) == []


def test_an_answer_to_revoking_does_not_control_the_terminal(tmp_path: Path, slack: FakeSlack) -> None:
    """The word in an answer and the id of a user, which may have been imported, are shown without escape sequences."""
    fill(tmp_path, ONE, replace(USER, user_id="U1\x1b[2J"))
    for token in (str(USER.access), f"xoxb-{PLANTED}-1"):
        slack.answers[token] = {"ok": False, "error": "no\x1b[2J\nT1: removed"}
    revoked = call(tmp_path, "revoke", "T1", SLACK_API_URL=slack.url)
    assert revoked.returncode == 1
    assert "\x1b" not in revoked.stdout + revoked.stderr
    assert len(revoked.stdout.splitlines()) == 2


@pytest.mark.parametrize("trouble", ["no answer", "an error", "a status"])
def test_what_slack_did_not_revoke_stays(tmp_path: Path, slack: FakeSlack, trouble: str) -> None:
    """Where Slack does not answer, or says no, it is said and kept: given again, the command does the rest."""
    fill(tmp_path, ONE, USER)
    url = slack.url
    if trouble == "no answer":
        url = "http://127.0.0.1:1/api/"
    elif trouble == "an error":
        slack.answers[f"xoxb-{PLANTED}-1"] = {"ok": False, "error": "fatal_error"}
    else:
        slack.status = 503
    result = call(tmp_path, "revoke", "T1", SLACK_API_URL=url)
    said = {"no answer": "Slack did not answer", "an error": "Slack says fatal_error", "a status": "Slack says"}
    assert result.returncode == 1
    assert said[trouble] in result.stdout
    assert "may still be valid" in result.stderr
    assert listed(tmp_path) == ["T1"]
    slack.answers, slack.status = {}, 200
    assert call(tmp_path, "revoke", "T1", SLACK_API_URL=slack.url).returncode == 0
    assert listed(tmp_path) == []


def deliveries(directory: Path, runs: Callable[[Inbox], bool] = lambda _: False) -> None:
    """Two deliveries of T1, one of them done, and one of T2."""

    async def work() -> None:
        inbox = Inbox(SqliteDatabase(directory / "var" / "anchorbolt.db"), lease_seconds=600)
        await inbox.open()
        for key, team, take in (("A:1", "T1", True), ("A:2", "T1", False), ("A:3", "T2", False), ("A:4", "T1", True)):
            item = Item(key, key, "event", "application/json", '{"text":"' + PLANTED + '"}', take=take, workspace=team)
            accepted = await inbox.accept(item, time.monotonic() + 10)
            if key == "A:1" and accepted.held is not None:
                await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DONE))
            if key == "A:4" and accepted.held is not None and not runs(inbox):
                await inbox.complete(Outcome(accepted.held.lease, accepted.held.stored.id, End.DEAD, "it failed"))
        await inbox.close()

    asyncio.run(work())


def keys_in(directory: Path) -> list[str]:
    """The keys that the inbox holds; done ones too."""
    both = [
        json.loads(look(directory, "inbox", "list", "--json", *state).stdout) for state in ((), ("--state", "done"))
    ]
    return sorted(one["key"] for told in both for one in told["deliveries"])


def test_forgetting_deletes_all_and_can_be_repeated(tmp_path: Path) -> None:
    """Installation, tokens and deliveries of one workspace go, and nothing of another; it asks before, and once more
    there is nothing."""
    fill(tmp_path, ONE, ORG, USER)
    deliveries(tmp_path)
    assert call(tmp_path, "forget", "T1").returncode == 1  # nobody answered the question
    assert listed(tmp_path) == ["E2", "T1"]
    forgot = call(tmp_path, "forget", "T1", "--yes")
    assert forgot.returncode == 0, forgot.stderr
    assert forgot.stdout == (
        "Deleted of T1: its installation, 1 users' tokens, 2 deliveries that had ended, 1 that waited.\n"
    )
    assert (listed(tmp_path), keys_in(tmp_path)) == (["E2"], ["A:3"])
    again = call(tmp_path, "forget", "T1", "--yes")
    assert (again.returncode, again.stdout) == (0, "Nothing was stored of T1.\n")
    assert PLANTED.encode() in (tmp_path / "var" / "anchorbolt.db").read_bytes()  # that of T2
    assert "forget each of them too" in call(tmp_path, "forget", "E2", "--yes").stdout


def test_what_runs_is_named_and_left_to_end(tmp_path: Path) -> None:
    """The command ends with 1 and says which delivery still runs, where, and what to do; the rest is gone."""
    fill(tmp_path, ONE)
    deliveries(tmp_path, runs=lambda _: True)
    forgot = call(tmp_path, "forget", "T1", "--yes", "--wait", "0")
    assert forgot.returncode == 1
    assert "1 deliveries of T1 still run: A:4 on pod-" in forgot.stderr
    assert "then give the command again" in forgot.stderr
    assert keys_in(tmp_path) == ["A:3", "A:4"]


def test_a_store_is_imported_once(tmp_path: Path) -> None:
    """A dry run says what would be saved; the import saves it; given again it says that it is here."""
    fill(tmp_path)
    store = FileInstallationStore(base_dir=str(tmp_path / "store"))
    for n in range(3):
        store.save(
            Theirs(
                team_id=f"T{n}",
                bot_token=f"xoxb-{PLANTED}-{n}" if n else None,
                user_id=f"U{n}",
                user_token=f"xoxp-{PLANTED}" if n == 2 else None,
                installed_at=AT,
            )
        )
    dry = call(tmp_path, "import", "store", "--dry-run")
    assert dry.stdout.splitlines() == [
        "Found 2 installations and 1 users' tokens.",
        "Skipped 1, because it has no token: T0",
        "Would save 2 installations. Nothing was saved (--dry-run).",
    ]
    assert listed(tmp_path) == []
    done = call(tmp_path, "import", IMPORT_FROM="store")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Saved 2 installations and 1 users' tokens."
    assert listed(tmp_path) == ["T1", "T2"]
    again = json.loads(call(tmp_path, "import", "store", "--json").stdout)
    assert (again["found"], again["saved"], again["users"]) == (2, [], 0)
    assert {one["what"]: one["reason"] for one in again["skipped"]} == {
        "T0": "it has no token",
        "T1": "it is here already",
        "T2": "it is here already",
    }


def test_an_import_that_cannot_be_is_a_message(tmp_path: Path) -> None:
    """Without TOKEN_KEYS nothing is stored; an empty folder, a missing file and a wrong URL are said."""
    fill(tmp_path)
    (tmp_path / "empty").mkdir()
    without = call(tmp_path, "import", "empty", TOKEN_KEYS="")
    assert (without.returncode, "TOKEN_KEYS: missing" in without.stderr) == (2, True)
    assert "there is no installation in that store" in call(tmp_path, "import", "empty").stderr
    assert "there is no file none.db" in call(tmp_path, "import", "none.db").stderr
    url = f"mysql://root:{PLANTED}@db/app"
    assert "neither in SQLite nor in PostgreSQL" in call(tmp_path, "import", url).stderr
