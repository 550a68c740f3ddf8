"""`send` signs as Slack does, says what came back, and gives a curl that sends the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anchorbolt.cli
import pytest
from anchorbolt.emulator.samples import SAMPLES
from typer.testing import CliRunner, Result

from tests.support.ports import free_port
from tests.unit.cli.conftest import SECRET, Door


def send(door: Door, *arguments: str) -> Result:
    """`anchorbolt send`, to the door."""
    return CliRunner().invoke(
        anchorbolt.cli.app, ["send", *arguments, "--url", door.url, "--secret", SECRET], catch_exceptions=False
    )


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_sample_of_any_kind_is_sent_signed(kind: str, door: Door) -> None:
    """Each kind arrives with a valid signature, and its status, ack time and body are told."""
    result = send(door, kind)
    assert result.exit_code == 0
    assert result.output.startswith(f"{kind}: 200 after ")
    assert "seen" in result.output


def test_an_answer_that_is_not_2xx_is_a_failure(door: Door) -> None:
    """A 503 ends with 1, and the status is told."""
    door.status = 503
    result = send(door, "command")
    assert result.exit_code == 1
    assert "503" in result.output


@pytest.mark.parametrize("forgery", ["--bad-signature", "--stale"])
def test_a_forgery_is_refused(forgery: str, door: Door) -> None:
    """A wrong or a stale signature arrives as such."""
    result = send(door, "message", forgery, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["status"] == 401


def test_a_retry_says_so(door: Door) -> None:
    """--retry-num sets Slack's two headers."""
    send(door, "message", "--retry-num", "2")
    assert door.headers[0]["X-Slack-Retry-Num"] == "2"
    assert door.headers[0]["X-Slack-Retry-Reason"] == "http_timeout"


def test_in_socket_mode_there_is_nowhere_to_send_to() -> None:
    """With RECEIVER=socket it says so, instead of an address that refuses connections."""
    result = CliRunner().invoke(anchorbolt.cli.app, ["send"], env={"RECEIVER": "socket", "COLUMNS": "200"})
    assert result.exit_code == 2
    assert "RECEIVER=socket" in result.output


def test_the_curl_sends_the_same_bytes(door: Door, tmp_path: Path) -> None:
    """The printed curl, run by a shell, sends the same body with a valid signature, quotes and all."""
    # 1. Send a text that shells and forms stumble over.
    told = json.loads(send(door, "message", "--text", 'it\'s $HOME `x` "q" & café\n!', "--json").output)
    # 2. Let a shell run the curl, with each argument on a line instead of curl itself.
    shown = subprocess.run(
        ["bash", "-c", told["curl"].replace("curl", "printf '%s\\0'", 1)], capture_output=True, check=True
    ).stdout.split(b"\0")
    # 3. The body and the URL are what was sent, where curl looks for them.
    data = shown[shown.index(b"--data-binary") + 1]
    assert data == door.bodies[0]
    assert shown[-2].decode() == door.url


def test_channel_and_text_are_chosen(door: Door) -> None:
    """--channel and --text change the sample."""
    send(door, "message", "--channel", "C0ELSE", "--text", "approval: x")
    event = json.loads(door.bodies[0])["event"]
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
    content: dict[str, Any], content_type: str, body: bytes, door: Door, tmp_path: Path
) -> None:
    """An event goes as it is, a command as form fields, each signed over what is sent."""
    file = tmp_path / "body.json"
    file.write_text(json.dumps(content))
    assert send(door, "--file", str(file)).exit_code == 0
    assert door.bodies == [body]
    assert door.headers[0]["Content-Type"] == content_type


def test_an_interaction_in_a_file_goes_as_payload(door: Door, tmp_path: Path) -> None:
    """The JSON of an interaction is sent in the form field `payload`."""
    file = tmp_path / "body.json"
    file.write_text('{"type": "block_actions", "x": "a/b"}')
    assert send(door, "--file", str(file)).exit_code == 0
    assert json.loads(parse_qs(door.bodies[0].decode())["payload"][0]) == {"type": "block_actions", "x": "a/b"}


def test_bytes_in_a_file_go_as_they_are(door: Door, tmp_path: Path) -> None:
    """A body that is neither JSON nor UTF-8 is sent byte for byte, and the curl reads the file."""
    file = tmp_path / "junk"
    file.write_bytes(b'{"a": \xff\x00')
    result = send(door, "--file", str(file))
    assert door.bodies == [b'{"a": \xff\x00']
    assert f"--data-binary @{file}" in result.output


def test_a_file_that_does_not_fit_its_encoding_is_a_mistake(door: Door, tmp_path: Path) -> None:
    """A list cannot be form fields: exit code 2, and nothing is sent."""
    file = tmp_path / "body.json"
    file.write_text("[]")
    result = send(door, "--file", str(file), "--encoding", "fields")
    assert result.exit_code == 2
    assert door.bodies == []


def test_many_are_each_fresh_and_summed_up(door: Door) -> None:
    """--count sends so many different requests and counts the answers."""
    result = send(door, "message", "--count", "20", "--concurrency", "4", "--json")
    summary = json.loads(result.output)
    assert result.exit_code == 0
    assert (summary["sent"], summary["by_status"], summary["refused"]) == (20, {"200": 20}, 0)
    assert 0 < summary["p50_ms"] <= summary["p99_ms"] <= summary["max_ms"]
    assert len(set(door.bodies)) == 20


def test_many_of_which_some_are_refused_are_a_failure(door: Door) -> None:
    """One refusal among many ends with 1."""
    assert send(door, "message", "--count", "3", "--stale").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [["telegram"], ["--bad-signature", "--stale"], ["--count", "0"], ["--concurrency", "100000"], ["--file", "/none"]],
)
def test_a_mistaken_call_ends_with_2(arguments: list[str], door: Door) -> None:
    """What cannot be meant is a mistake, and nothing is sent."""
    assert send(door, *arguments).exit_code == 2
    assert door.bodies == []


def test_nobody_at_the_url_is_a_failure(door: Door) -> None:
    """A URL where nobody listens ends with 1 and says which."""
    door.url = f"http://127.0.0.1:{free_port()}/"
    result = send(door, "command")
    assert result.exit_code == 1
    assert f"connection_failed at {door.url}" in result.output
