"""What `anchorbolt send` was asked to send, as a request in the format of docs/testing.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anchorbolt.emulator.requests import RequestFormatError, Sample, build
from anchorbolt.emulator.samples import REQUESTS, SAMPLES, make
from anchorbolt.emulator.scene import Scene

# Slack's word for a kind, or ours: the field of a request that names it, and the sample that is sent without a name.
KINDS: Mapping[str, tuple[str, str]] = {
    "event": ("event", "app_mention"),
    "command": ("command", "command"),
    "block_actions": ("action", "block_actions"),
    "action": ("action", "block_actions"),
    "block_suggestion": ("options", "block_suggestion"),
    "options": ("options", "block_suggestion"),
    "view_submission": ("view", "view_submission"),
    "view": ("view", "view_submission"),
    "view_closed": ("view_closed", "view_closed"),
    "shortcut": ("shortcut", "shortcut"),
    "message_action": ("message_shortcut", "message_action"),
    "message_shortcut": ("message_shortcut", "message_action"),
    "function_executed": ("function", "function_executed"),
    "function": ("function", "function_executed"),
}
ALL_KINDS = tuple(dict.fromkeys([*SAMPLES, *KINDS]))


def source(kind: str, name: str | None, fields: Mapping[str, Any], scene: Scene) -> Callable[[], Sample]:
    """Returns a function that makes a fresh request each time. Raises RequestFormatError.

    Args:
        kind: one of ALL_KINDS.
        name: what the listener listens to; None: the sample of this kind.
        fields: further fields of the request, which replace those of the sample.
        scene: the made-up workspace.
    """
    if name is not None and kind in KINDS:
        return from_request({KINDS[kind][0]: name, **fields}, scene)
    if name is not None:
        raise RequestFormatError(f"{kind} is a sample, which has a name; name something of: {', '.join(KINDS)}")
    sample = KINDS[kind][1] if kind in KINDS else kind
    if sample not in REQUESTS:
        if fields.keys() - {"text", "channel"}:
            raise RequestFormatError(f"{kind} has no field {', '.join(fields)}")
        return lambda: make(sample, scene)
    there = replace(
        scene,
        text=fields.get("text"),
        thread_ts=fields.get("thread_ts"),
        channel_id=fields.get("channel", scene.channel_id),
    )
    rest = {field: value for field, value in fields.items() if field not in ("text", "thread_ts", "channel")}
    return _checked(lambda: replace(build({**REQUESTS[sample](there), **rest}, there), kind=sample))


def from_request(request: Mapping[str, Any], scene: Scene) -> Callable[[], Sample]:
    """Returns a function that makes this request, a fresh one each time. Raises RequestFormatError."""
    return _checked(lambda: build(request, scene))


def read_request(file: Path) -> dict[str, Any]:
    """Reads a request from a file with JSON, or with YAML where PyYAML is installed. Raises RequestFormatError."""
    text = file.read_text()
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = _yaml(file, text)
    if not isinstance(found, dict):
        raise RequestFormatError(f"{file} holds no mapping, and a request is one: command: /deploy")
    return found


def given_fields(values: Sequence[str], name: str) -> dict[str, Any]:
    """Reads the values of --field and --input, `NAME=VALUE` each: JSON where the value is JSON's list or mapping."""
    fields = {}
    for value in values:
        field, equals, text = value.partition("=")
        if not (field and equals):
            raise RequestFormatError(f"--{name} is NAME=VALUE, not {value!r}")
        fields[field] = _value(text)
    return fields


def given_state(values: Sequence[str]) -> dict[str, Any]:
    """Reads the values of --state: `BLOCK.ACTION=VALUE` each, or the whole of it as JSON."""
    state: dict[str, Any] = {}
    for value in values:
        if value.startswith("{"):
            whole = _value(value)
            if not isinstance(whole, dict):
                raise RequestFormatError(f"--state is no JSON: {value}")
            state |= whole
            continue
        where, equals, text = value.partition("=")
        block, dot, action = where.partition(".")
        if not (block and dot and action and equals):
            raise RequestFormatError(f"--state is BLOCK.ACTION=VALUE, or JSON, not {value!r}")
        state.setdefault(block, {})[action] = _value(text)
    return state


def _checked(fresh: Callable[[], Sample]) -> Callable[[], Sample]:
    fresh()  # raises what is wrong with it before anything is sent
    return fresh


def _value(text: str) -> Any:
    """JSON, if it is a list or a mapping; everything else is text, as a user's words are."""
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _yaml(file: Path, text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - not a dependency of ours: many environments have it
    except ImportError:
        raise RequestFormatError(f"{file} is no JSON, and PyYAML, which would read YAML, is not installed") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequestFormatError(f"{file} is neither JSON nor YAML: {error}") from None
