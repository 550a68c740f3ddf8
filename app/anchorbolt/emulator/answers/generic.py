"""The answers of the methods that the emulator does not play: well-formed, and empty."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from anchorbolt.emulator.answers.names import SLACK_METHODS
from anchorbolt.emulator.answers.shape import Answer, Answering, Arguments, failed
from anchorbolt.emulator.scene import fresh_id
from anchorbolt.emulator.state.workspace import Workspace

RETIRED = ("channels.", "groups.", "im.", "mpim.", "rtm.start", "files.upload", "files.comments.")
"""Slack has retired these; an app that still calls them fails in Slack too."""

_LISTS = MappingProxyType(
    {
        "admin.apps.activities.list": "activities",
        "admin.apps.approved.list": "approved_apps",
        "admin.apps.mcp.servers.list": "servers",
        "admin.apps.requests.list": "app_requests",
        "admin.apps.restricted.list": "restricted_apps",
        "admin.auth.policy.getEntities": "entities",
        "admin.barriers.list": "barriers",
        "admin.conversations.ekm.listOriginalConnectedChannelInfo": "channels",
        "admin.conversations.getTeams": "team_ids",
        "admin.conversations.lookup": "channels",
        "admin.conversations.restrictAccess.listGroups": "group_ids",
        "admin.conversations.search": "conversations",
        "admin.functions.list": "functions",
        "admin.inviteRequests.approved.list": "approved_requests",
        "admin.inviteRequests.denied.list": "denied_requests",
        "admin.inviteRequests.list": "invite_requests",
        "admin.roles.listAssignments": "role_assignments",
        "admin.slackbot.skills.list": "skills",
        "admin.teams.admins.list": "admin_ids",
        "admin.teams.list": "teams",
        "admin.teams.owners.list": "owner_ids",
        "admin.usergroups.listChannels": "channels",
        "admin.users.list": "users",
        "admin.users.session.list": "active_sessions",
        "admin.workflows.search": "workflows",
        "agents.conversations.listViews": "views",
        "apps.event.authorizations.list": "authorizations",
        "canvases.sections.lookup": "sections",
        "conversations.listConnectInvites": "invites",
        "conversations.requestSharedInvite.list": "invite_requests",
        "files.remote.list": "files",
        "slackLists.items.list": "items",
        "slackbot.skills.list": "skills",
        "stars.list": "items",
        "team.accessLogs": "logins",
        "team.externalTeams.list": "organizations",
        "team.integrationLogs": "logs",
        "workflows.featured.list": "workflow_ids",
    }
)
_SAMPLE = {
    "external_ref": {"id": "sample-1"},
    "title": "A sample of the emulator",
    "description": "What a search finds",
    "link": "https://example.com/sample-1",
    "date_updated": "2026-01-01",
    "content": "The sample's text",
}
_OBJECTS: Mapping[str, Answer] = MappingProxyType(
    {
        "admin.emoji.list": {"emoji": {}},
        "admin.conversations.getConversationPrefs": {"prefs": {}},
        "admin.conversations.getCustomRetention": {"is_policy_enabled": False, "duration_days": 0},
        "admin.teams.settings.info": {"team": {}},
        "assistant.search.context": {"results": {"messages": [], "files": [], "channels": [], "users": []}},
        "assistant.search.info": {"is_ai_search_enabled": False},
        "blocks.validate": {"errors": []},
        "developer.sampleData.get": {"samples": [_SAMPLE]},
        "search.all": {"query": "", "messages": {"matches": [], "total": 0}, "files": {"matches": [], "total": 0}},
        "search.files": {"query": "", "files": {"matches": [], "total": 0}},
        "search.messages": {"query": "", "messages": {"matches": [], "total": 0}},
        "team.billableInfo": {"billable_info": {}},
        "team.billing.info": {"plan": ""},
        "team.preferences.list": {"msg_edit_window_mins": -1, "allow_message_deletion": True},
        "team.profile.get": {"profile": {"fields": []}},
        "users.setPhoto": {"profile": {}},
        "users.discoverableContacts.lookup": {"is_discoverable": False},
        "migration.exchange": {"user_id_map": {}, "invalid_user_ids": []},
    }
)
_NEW_IDS = MappingProxyType(
    {
        "canvases.create": ("canvas_id", "F"),
        "slackLists.create": ("list_id", "F"),
        "admin.conversations.create": ("channel_id", "C"),
        "admin.teams.create": ("team", "T"),
    }
)

_log = logging.getLogger(__name__)


def generic_answers(played: frozenset[str]) -> dict[str, Answering]:
    """The answers of all of Slack's methods but those that are played."""
    return {method: _answering(method) for method in SLACK_METHODS - played}


def _answering(method: str) -> Answering:
    if method.startswith(RETIRED):
        return _retired
    told = False

    def answer(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
        nonlocal told
        if not told:
            told = True
            _log.warning("%s is not played by the emulator: it answers ok and changes nothing", method)
        return _empty(method)

    return answer


def _retired(arguments: Arguments, workspace: Workspace, now: float) -> Answer:
    return failed("method_deprecated")


def _empty(method: str) -> Answer:
    if name := _LISTS.get(method):
        return {"ok": True, name: [], "response_metadata": {"next_cursor": ""}}
    if new := _NEW_IDS.get(method):
        return {"ok": True, new[0]: fresh_id(new[1])}
    return {"ok": True} | _OBJECTS.get(method, {})
