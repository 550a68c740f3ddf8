"""What a user chose or entered, in the form that Slack gives it for the type of the element.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anchorbolt.emulator.requests.fields import RequestFormatError, as_text
from anchorbolt.emulator.requests.sample import Payload
from anchorbolt.emulator.requests.shared_fields import label

# Where the value of an element stands, by the element's type. Where several types share a field, the first one is taken
# for a value that is given with that field and without a type.
FIELD_OF = {
    "plain_text_input": "value",
    "button": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
}


def chosen(what: str, kind: str, value: Any) -> Payload:
    """The value of an element of a type: `chosen("...", "static_select", "a")` is {"selected_option": {...}}.

    `what`: names it in the message of a RequestFormatError, which is raised for a type that Slack does not have.
    """
    if kind not in FIELD_OF:
        raise RequestFormatError(f"{what}: {kind!r} is no type of an element; they are {', '.join(FIELD_OF)}")
    field = FIELD_OF[kind]
    if field == "value":
        return {field: None if value is None else as_text(what, value)}
    if field == "selected_option":
        return {field: _option(what, value)}
    if field == "selected_options":
        return {field: [_option(what, one) for one in _list(what, value)]}
    return {field: value}


def state_values(state: Mapping[str, Any]) -> Payload:
    """The `state.values` of a view. In `state`, a value is given by its block and its action.

    A value is text, which somebody wrote into a plain text input; a mapping with `type` and `value`; or what Slack
    itself would send, such as {"selected_user": "U1"}. Raises RequestFormatError.
    """
    values: Payload = {}
    for block, actions in state.items():
        if not isinstance(actions, Mapping):
            raise RequestFormatError(f"state: {block} holds its actions, as in {{{block}: {{action: value}}}}")
        values[block] = {action: _entered(f"state: {block}.{action}", value) for action, value in actions.items()}
    return values


def _entered(what: str, value: Any) -> Payload:
    if not isinstance(value, Mapping):
        return {"type": "plain_text_input", **chosen(what, "plain_text_input", value)}
    if "type" in value and "value" in value:
        return {"type": value["type"], **chosen(what, value["type"], value["value"])}
    if "type" in value:
        return dict(value)
    for kind, field in FIELD_OF.items():
        if field in value:
            return {"type": kind, **value}
    raise RequestFormatError(f"{what}: neither text nor a value of an element; name its type, and its value")


def _option(what: str, value: Any) -> Any:
    if value is None or isinstance(value, Mapping):
        return value
    text = as_text(what, value)
    return {"text": label(text), "value": text}


def _list(what: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise RequestFormatError(f"{what} is a list, not {value!r}")
    return list(value)
