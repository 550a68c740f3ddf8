"""What an error from the Web API means for the next attempt."""

from __future__ import annotations

import math

from slack_sdk.errors import SlackApiError

# Another attempt would fail too: what is asked for is wrong, gone, forbidden or too late. These are dead letters at
# once, to be replayed by an operator when the cause is fixed. After any other error there is another attempt.
# https://docs.slack.dev/reference/methods
PERMANENT = frozenset({
    "account_inactive", "already_in_channel", "already_pinned", "already_reacted", "bad_timestamp",
    "block_mismatch", "cannot_dm_bot", "cant_delete_message", "cant_update_message", "channel_not_found",
    "duplicate_external_id", "edit_window_closed", "ekm_access_denied", "exchanged_trigger_id", "expired_trigger_id",
    "file_not_found", "function_not_found", "hash_conflict", "invalid_arg_name", "invalid_arguments",
    "invalid_array_arg", "invalid_auth", "invalid_blocks", "invalid_blocks_format", "invalid_charset",
    "invalid_form_data", "invalid_json", "invalid_name", "invalid_post_type", "invalid_trigger", "invalid_trigger_id",
    "invalid_users", "is_archived", "is_inactive", "message_limit_exceeded", "message_not_found",
    "metadata_too_large", "method_deprecated", "method_not_supported_for_channel_type", "missing_post_type",
    "missing_scope", "msg_blocks_too_long", "msg_too_long", "no_permission", "no_reaction", "no_text", "not_allowed",
    "not_allowed_token_type", "not_authed", "not_authorized", "not_enabled", "not_found", "not_in_channel",
    "not_supported", "restricted_action", "thread_locked", "thread_not_found", "token_expired", "token_revoked",
    "too_many_attachments", "trigger_exchanged", "trigger_expired", "unknown_method", "user_is_bot",
    "user_is_restricted", "user_not_found", "user_not_in_channel", "view_not_found", "view_too_large",
})  # fmt: skip


def word(error: BaseException) -> str | None:
    """Slack's own word for the error, such as `channel_not_found`."""
    if not isinstance(error, SlackApiError):
        return None
    # Its own get() raises for a body that was no JSON: the page of a proxy, or of a Slack that is down.
    answer = getattr(error.response, "data", error.response)
    said = answer.get("error") if isinstance(answer, dict) else None
    return said if isinstance(said, str) else None


def status(error: BaseException) -> int | None:
    """The HTTP status of Slack's last answer, if it gave one."""
    found = getattr(error.response, "status_code", None) if isinstance(error, SlackApiError) else None
    return found if isinstance(found, int) else None


def is_permanent(error: BaseException) -> bool:
    """Whether another attempt would end the same way."""
    return word(error) in PERMANENT


def retry_after_seconds(error: BaseException) -> float | None:
    """Returns the seconds of Slack's Retry-After header, if there is one."""
    if not isinstance(error, SlackApiError):
        return None
    headers = getattr(error.response, "headers", None) or {}
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if 0 <= seconds < math.inf else None  # the lane must not wait for ever
    return None
