"""`send` signs as Slack does, says what came back, and gives a curl that sends the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anchorbolt.cli
import pytest
from anchorbolt.emulator.samples import SAMPLES
from anchorbolt.settings.model import Settings
from typer.testing import CliRunner, Result

from tests.support.ports import free_port
from tests.unit.cli.conftest import SECRET, FakeApp


def send(fake_app: FakeApp, *arguments: str) -> Result:
    """`anchorbolt send`, to the fake app."""
    return CliRunner().invoke(
        anchorbolt.cli.app, ["send", *arguments, "--url", fake_app.url, "--secret", SECRET], catch_exceptions=False
    )


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_sample_of_any_kind_is_sent_signed(kind: str, fake_app: FakeApp) -> None:
    """Each kind arrives with a valid signature, and its status, ack time and body are told."""
    result = send(fake_app, kind)
    assert result.exit_code == 0
    assert result.output.startswith(f"{kind}: 200 after ")
    assert "seen" in result.output
    assert "curl" not in result.output


def test_an_answer_that_is_not_2xx_is_a_failure(fake_app: FakeApp) -> None:
    """A 503 ends with 1. The status is told, and the request as a curl command, to look into it."""
    fake_app.status = 503
    result = send(fake_app, "command")
    assert result.exit_code == 1
    assert "503" in result.output
    assert "\ncurl " in result.output


def test_a_refused_signature_is_explained(fake_app: FakeApp) -> None:
    """A 401 says which setting signs."""
    result = send(fake_app, "message", "--bad-signature")
    assert "401" in result.output
    assert "SLACK_SIGNING_SECRET" in result.output


def payload_of(body: bytes) -> dict[str, Any]:
    """What a request says, whatever its encoding."""
    if body.startswith(b"{"):
        decoded: dict[str, Any] = json.loads(body)
        return decoded
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return json.loads(form["payload"]) if "payload" in form else form


NAMED: list[tuple[list[str], Any]] = [
    (["command", "/deploy", "--text", "prod"], lambda sent: (sent["command"], sent["text"]) == ("/deploy", "prod")),
    (["event", "--type", "app_mention", "--text", "hi"], lambda sent: sent["event"]["text"] == "hi"),
    (["event", "star_added", "--field", 'item={"type": "file"}'], lambda sent: sent["event"]["item"]["type"] == "file"),
    (
        ["block_actions", "--action-id", "approve", "--value", "1", "--block-id", "b"],
        lambda sent: (sent["actions"][0]["action_id"], sent["actions"][0]["value"]) == ("approve", "1"),
    ),
    (
        ["action", "pick", "--type", "users_select", "--value", "U1", "--user", "U2"],
        lambda sent: (sent["actions"][0]["selected_user"], sent["user"]["id"]) == ("U1", "U2"),
    ),
    (
        ["view_submission", "--callback-id", "form", "--state", "b.a=x=y", "--state", "b.c=z"],
        lambda sent: [one["value"] for one in sent["view"]["state"]["values"]["b"].values()] == ["x=y", "z"],
    ),
    (
        ["view", "form", "--state", '{"b": {"a": "x"}}', "--private-metadata", "m"],
        lambda sent: (
            (sent["view"]["private_metadata"], sent["view"]["state"]["values"]["b"]["a"]["value"]) == ("m", "x")
        ),
    ),
    (["view_closed", "form"], lambda sent: sent["view"]["callback_id"] == "form"),
    (["shortcut", "--callback-id", "report"], lambda sent: sent["callback_id"] == "report"),
    (["message_shortcut", "report", "--channel", "C1"], lambda sent: sent["channel"]["id"] == "C1"),
    (
        ["options", "--action-id", "city", "--value", "be"],
        lambda sent: (sent["action_id"], sent["value"]) == ("city", "be"),
    ),
    (["function", "step", "--input", "a=1"], lambda sent: sent["event"]["inputs"] == {"a": "1"}),
    (["block_actions", "--value", "mine"], lambda sent: sent["actions"][0]["action_id"] == "approval_approve"),
    (["app_mention", "--user", "U1", "--thread-ts", "1.2"], lambda sent: sent["event"]["thread_ts"] == "1.2"),
]


@pytest.mark.parametrize(
    ("arguments", "is_right"), NAMED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_request_reaches_a_listener_of_ones_own(arguments: list[str], is_right: Any, fake_app: FakeApp) -> None:
    """With a name, and with the fields of a request, what is sent is for the listener of that name."""
    result = send(fake_app, *arguments)
    assert result.exit_code == 0
    assert is_right(payload_of(fake_app.bodies[0]))


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.json", '{"command": "/deploy", "text": "prod"}'), ("r.yaml", "command: /deploy\ntext: prod\n")],
)
def test_a_request_in_a_file(name: str, text: str, fake_app: FakeApp, tmp_path: Path) -> None:
    """A file holds a request in the same format, as JSON or as YAML."""
    (tmp_path / name).write_text(text)
    assert send(fake_app, "--request", str(tmp_path / name)).exit_code == 0
    assert payload_of(fake_app.bodies[0])["text"] == "prod"


def test_a_response_url_leads_to_the_emulator_that_is_there(fake_app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SLACK_API_URL, as `dev` prints it, what a listener answers reaches the emulator of that `dev`."""
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:4002/api/")
    send(fake_app, "command", "/deploy")
    assert payload_of(fake_app.bodies[0])["response_url"].startswith("http://127.0.0.1:4002/response/")


@pytest.mark.parametrize("forgery", ["--bad-signature", "--stale"])
def test_a_forgery_is_refused(forgery: str, fake_app: FakeApp) -> None:
    """A wrong or a stale signature arrives as such."""
    result = send(fake_app, "message", forgery, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["status"] == 401


def test_a_retry_says_so(fake_app: FakeApp) -> None:
    """--retry-num sets Slack's two headers."""
    send(fake_app, "message", "--retry-num", "2")
    assert fake_app.headers[0]["X-Slack-Retry-Num"] == "2"
    assert fake_app.headers[0]["X-Slack-Retry-Reason"] == "http_timeout"


def test_in_socket_mode_there_is_nowhere_to_send_to() -> None:
    """With RECEIVER=socket it says so, instead of an address that refuses connections."""
    result = CliRunner().invoke(anchorbolt.cli.app, ["send"], env={"RECEIVER": "socket", "COLUMNS": "200"})
    assert result.exit_code == 2
    assert "RECEIVER=socket" in result.output


def test_the_curl_sends_the_same_bytes(fake_app: FakeApp, tmp_path: Path) -> None:
    """The printed curl, run by a shell, sends the same body with a valid signature, quotes and all."""
    # 1. Send a text that shells and forms stumble over.
    told = json.loads(send(fake_app, "message", "--text", 'it\'s $HOME `x` "q" & café\n!', "--json").output)
    # 2. Let a shell run the curl, with each argument on a line instead of curl itself.
    shown = subprocess.run(
        ["bash", "-c", told["curl"].replace("curl", "printf '%s\\0'", 1)], capture_output=True, check=True
    ).stdout.split(b"\0")
    # 3. The body and the URL are what was sent, where curl looks for them.
    data = shown[shown.index(b"--data-binary") + 1]
    assert data == fake_app.bodies[0]
    assert shown[-2].decode() == fake_app.url


def test_channel_and_text_are_chosen(fake_app: FakeApp) -> None:
    """--channel and --text change the sample."""
    send(fake_app, "message", "--channel", "C0ELSE", "--text", "approval: x")
    event = json.loads(fake_app.bodies[0])["event"]
    assert (event["channel"], event["text"]) == ("C0ELSE", "approval: x")


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        ({"type": "event_callback"}, "application/json", b'{"type": "event_callback"}'),
        ({"command": "/x", "text": "a b"}, "application/x-www-form-urlencoded", b"command=%2Fx&text=a+b"),
        ({"ssl_check": 1}, "application/x-www-form-urlencoded", b"ssl_check=1"),
    ],
)
def test_a_file_travels_as_slack_would_send_it(
    content: dict[str, Any], content_type: str, body: bytes, fake_app: FakeApp, tmp_path: Path
) -> None:
    """An event goes as it is, a command as form fields, each signed over what is sent."""
    file = tmp_path / "body.json"
    file.write_text(json.dumps(content))
    assert send(fake_app, "--file", str(file)).exit_code == 0
    assert fake_app.bodies == [body]
    assert fake_app.headers[0]["Content-Type"] == content_type


def test_an_interaction_in_a_file_goes_as_payload(fake_app: FakeApp, tmp_path: Path) -> None:
    """The JSON of an interaction is sent in the form field `payload`."""
    file = tmp_path / "body.json"
    file.write_text('{"type": "block_actions", "x": "a/b"}')
    assert send(fake_app, "--file", str(file)).exit_code == 0
    assert json.loads(parse_qs(fake_app.bodies[0].decode())["payload"][0]) == {"type": "block_actions", "x": "a/b"}


def test_bytes_in_a_file_go_as_they_are(fake_app: FakeApp, tmp_path: Path) -> None:
    """A body that is neither JSON nor UTF-8 is sent byte for byte, and the curl reads the file."""
    file = tmp_path / "junk"
    file.write_bytes(b'{"a": \xff\x00')
    result = send(fake_app, "--file", str(file), "--curl")
    assert fake_app.bodies == [b'{"a": \xff\x00']
    assert f"--data-binary @{file}" in result.output


def test_a_file_that_does_not_fit_its_encoding_is_a_mistake(fake_app: FakeApp, tmp_path: Path) -> None:
    """A list cannot be form fields: exit code 2, and nothing is sent."""
    file = tmp_path / "body.json"
    file.write_text("[]")
    result = send(fake_app, "--file", str(file), "--encoding", "fields")
    assert result.exit_code == 2
    assert fake_app.bodies == []


def test_many_are_each_fresh_and_summed_up(fake_app: FakeApp) -> None:
    """--count sends so many different requests and counts the answers."""
    result = send(fake_app, "message", "--count", "20", "--concurrency", "4", "--json")
    summary = json.loads(result.output)
    assert result.exit_code == 0
    assert (summary["sent"], summary["by_status"], summary["refused"]) == (20, {"200": 20}, 0)
    assert 0 < summary["p50_ms"] <= summary["p99_ms"] <= summary["max_ms"]
    assert len(set(fake_app.bodies)) == 20


def test_many_of_which_some_are_refused_are_a_failure(fake_app: FakeApp) -> None:
    """One refusal among many ends with 1."""
    assert send(fake_app, "message", "--count", "3", "--stale").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["telegram"],
        ["--bad-signature", "--stale"],
        ["--count", "0"],
        ["--concurrency", "100000"],
        ["--file", "/none"],
        ["app_mention", "hello"],
        ["ssl_check", "--user", "U1"],
        ["command", "/x", "--value", "1"],
        ["view", "form", "--state", "x"],
        ["view", "form", "--state", "{x"],
        ["command", "/x", "--field", "x"],
        ["--request", __file__],
    ],
)
def test_a_mistaken_call_ends_with_2(arguments: list[str], fake_app: FakeApp) -> None:
    """What cannot be meant is a mistake, and nothing is sent."""
    assert send(fake_app, *arguments).exit_code == 2
    assert fake_app.bodies == []


def test_nobody_at_the_url_is_a_failure(fake_app: FakeApp) -> None:
    """A URL where nobody listens ends with 1 and says which, and what chooses another."""
    fake_app.url = f"http://127.0.0.1:{free_port()}/"
    result = send(fake_app, "command")
    assert result.exit_code == 1
    assert f"connection_failed at {fake_app.url}" in result.output
    assert "PORT in the environment or .env, or --url" in result.output


def test_the_app_is_found_by_the_same_env_file(
    fake_app: FakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --url and --secret, both are those of the app that was started in this folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    port = urlsplit(fake_app.url).port
    (tmp_path / ".env").write_text(f"PORT={port}\nSLACK_SIGNING_SECRET={SECRET}\n")
    result = CliRunner().invoke(anchorbolt.cli.app, ["send", "message"], catch_exceptions=False)
    assert result.output.startswith("message: 200 after ")
