"""Slack's words for what went wrong with a call, sorted by whether another attempt may succeed.

A word that is in neither list is permanent, and is counted (anchorbolt_web_api_unknown_words_total), so that it can be
sorted. Sources: the table of errors of each method, https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

# Slack is busy, down, or moves a workspace or a channel at this moment.
TRANSIENT = frozenset({
    "channel_conversion_in_progress", "datastore_error", "datastore_migration_in_progress",
    "external_channel_migrating", "failed_datastore_operation", "failed_looking_up_user", "failed_sending_dialog",
    "failed_to_fetch_info", "fatal_error", "fetch_members_failed", "file_not_yet_available", "internal_error",
    "org_login_required", "rate_limited", "ratelimited", "request_timeout", "service_unavailable",
    "team_added_to_org", "update_failed",
})  # fmt: skip

# Of those below: what is wrong with one channel, message, user or moment. It says nothing of the app's other requests.
OF_THIS_REQUEST = frozenset({
    "already_archived", "already_in_channel", "already_pinned", "already_reacted", "already_starred", "cannot_dm_bot",
    "cannot_find_channel", "cannot_find_message", "cannot_reply_to_message", "cannot_unfurl_message",
    "cannot_unfurl_url", "cant_delete_message", "cant_update_message", "channel_is_limited_access", "channel_not_found",
    "edit_window_closed", "exchanged_trigger_id", "expired_trigger_id", "file_deleted", "file_not_found", "is_archived",
    "is_inactive", "message_not_found", "message_not_in_streaming_state", "no_reaction", "not_in_channel",
    "not_in_group", "restricted_action", "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel", "restricted_action_thread_locked", "restricted_action_thread_only_channel",
    "stopped_by_user", "team_access_not_granted", "thread_locked", "thread_not_found", "trigger_exchanged",
    "trigger_expired", "user_disabled", "user_is_bot", "user_is_restricted", "user_is_ultra_restricted",
    "user_not_found", "user_not_in_channel", "user_not_visible", "users_not_found", "view_not_found",
})  # fmt: skip

# Of those below: what is wrong with the tokens of one workspace, or what it has allowed and paid for. Where the app is
# installed in several, that says nothing of the others.
OF_THIS_WORKSPACE = frozenset({
    "access_denied", "accesslimited", "account_inactive", "ekm_access_denied", "enterprise_is_restricted",
    "invalid_auth", "missing_scope", "no_permission", "not_authed", "paid_only", "team_not_found",
    "token_expired", "token_revoked", "two_factor_setup_required",
})  # fmt: skip

# What is asked for is wrong, gone, forbidden, done already, or too late.
PERMANENT = frozenset({
    "access_denied", "accesslimited", "account_inactive", "already_archived", "already_closed", "already_in_channel",
    "already_pinned", "already_reacted", "already_starred", "app_not_found", "as_user_not_supported",
    "attachment_payload_limit_exceeded", "bad_timestamp", "bad_token", "block_mismatch", "blocked_file_type",
    "bot_not_found", "bots_not_found", "cannot_add_bot", "cannot_add_others", "cannot_complete_others",
    "cannot_create_channel", "cannot_dm_bot", "cannot_find_channel", "cannot_find_message", "cannot_find_service",
    "cannot_parse", "cannot_parse_attachment", "cannot_prompt", "cannot_reply_to_message", "cannot_unfurl_message",
    "cannot_unfurl_url", "cant_archive_general", "cant_broadcast_message", "cant_delete", "cant_delete_file",
    "cant_delete_message", "cant_invite", "cant_invite_self", "cant_kick_from_general", "cant_kick_self",
    "cant_leave_general", "cant_update_message", "canvas_creation_failed", "canvas_deleted",
    "canvas_disabled_file_team", "canvas_disabled_user_team", "canvas_editing_failed", "canvas_globally_disabled",
    "canvas_not_found", "channel_canvas_already_exists", "channel_canvas_deleted", "channel_is_limited_access",
    "channel_not_found", "channel_type_not_supported", "column_not_found", "compliance_exports_prevent_deletion",
    "deprecated_endpoint", "duplicate_channel_not_found", "duplicate_external_id", "duplicate_message_not_found",
    "edit_window_closed", "ekm_access_denied", "email_taken", "emoji_not_found", "enterprise_is_restricted",
    "entity_not_found", "exchanged_trigger_id", "execution_not_in_running_state", "expired_trigger_id",
    "feature_not_enabled", "file_deleted", "file_not_found", "file_not_shared", "file_upload_size_restricted",
    "file_uploads_disabled", "forbidden_team", "free_team_not_allowed", "function_execution_not_found",
    "function_not_found", "group_not_found", "hash_conflict", "invalid_action", "invalid_app", "invalid_app_id",
    "invalid_arg_name", "invalid_arguments", "invalid_array_arg", "invalid_attachments", "invalid_auth",
    "invalid_blocks", "invalid_blocks_format", "invalid_channel", "invalid_charset", "invalid_chunks",
    "invalid_client_id", "invalid_code", "invalid_cursor", "invalid_emoji", "invalid_form_data", "invalid_grant_type",
    "invalid_json", "invalid_limit", "invalid_message_ts", "invalid_metadata_format", "invalid_metadata_schema",
    "invalid_name", "invalid_name_maxlength", "invalid_name_punctuation", "invalid_name_required",
    "invalid_name_specials", "invalid_post_type", "invalid_refresh_token", "invalid_scheduled_message_id",
    "invalid_source", "invalid_thread_ts", "invalid_time", "invalid_trigger", "invalid_trigger_id",
    "invalid_ts_latest", "invalid_ts_oldest", "invalid_type", "invalid_unfurl_id", "invalid_unfurls_format",
    "invalid_user", "invalid_user_id", "invalid_users", "is_archived", "is_bot", "is_inactive", "json_not_object",
    "last_ra_channel", "limit_required", "list_not_found", "list_record_not_found", "markdown_text_conflict",
    "member_analytics_disabled", "message_limit_exceeded", "message_not_found", "message_not_in_streaming_state",
    "message_not_owned_by_app", "messages_tab_disabled", "metadata_must_be_sent_from_app", "metadata_too_large",
    "method_deprecated", "method_not_supported_for_channel_type", "missing_argument", "missing_channel",
    "missing_charset", "missing_file_data", "missing_post_type", "missing_recipient_team_id",
    "missing_recipient_user_id", "missing_scope", "missing_source", "missing_ts", "missing_unfurl_id",
    "missing_unfurls", "msg_blocks_too_long", "msg_too_long", "name_taken", "no_channel",
    "no_dual_broadcast_content_update", "no_item_specified", "no_permission", "no_pin", "no_reaction", "no_text",
    "no_user", "not_allowed", "not_allowed_token_type", "not_authed", "not_authorized", "not_enabled",
    "not_enough_users", "not_found", "not_in_channel", "not_in_group", "not_pinnable", "not_pinned", "not_reactable",
    "not_supported", "org_level_email_display_disabled", "org_user_not_in_team", "over_pagination_limit", "paid_only",
    "permission_denied", "post_at_invalid", "post_contents_invalid", "push_limit_reached", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "restricted_too_many",
    "slack_connect_blocked_file_type", "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked", "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked", "stopped_by_user", "storage_limit_reached", "streaming_mode_mismatch",
    "streaming_state_conflict", "team_access_not_granted", "team_not_found", "thread_locked", "thread_not_found",
    "time_in_past", "time_too_far", "token_expired", "token_revoked", "too_many_attachments", "too_many_blocks",
    "too_many_contact_cards", "too_many_emoji", "too_many_pins", "too_many_reactions", "too_many_users",
    "trigger_exchanged", "trigger_expired", "two_factor_setup_required", "unknown_error", "unknown_method",
    "unknown_subtype", "unknown_type", "upgrade_required", "ura_max_channels", "user_disabled", "user_is_bot",
    "user_is_restricted", "user_is_ultra_restricted", "user_not_found", "user_not_in_channel", "user_not_visible",
    "user_team_not_in_channel", "users_list_not_supplied", "users_not_found", "view_not_found", "view_too_large",
})  # fmt: skip
