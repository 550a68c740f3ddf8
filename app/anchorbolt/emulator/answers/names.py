"""The names of Slack's Web API methods: all that slack_sdk's client calls. A test compares them with the SDK."""

from __future__ import annotations

_BY_FAMILY = """
admin.analytics: getFile
admin.apps.activities: list
admin.apps: approve clearResolution restrict uninstall
admin.apps.approved: list
admin.apps.config: lookup set
admin.apps.mcp.servers: list
admin.apps.mcp.servers.permissions: list set
admin.apps.requests: cancel list
admin.apps.restricted: list
admin.auth.policy: assignEntities getEntities removeEntities
admin.barriers: create delete list update
admin.conversations: archive bulkArchive bulkDelete bulkMove bulkSetProperties convertToPrivate convertToPublic
    create createForObjects delete disconnectShared getConversationPrefs getCustomRetention getTeams invite
    linkObjects lookup removeCustomRetention rename search setConversationPrefs setCustomRetention setTeams
    unarchive unlinkObjects
admin.conversations.ekm: listOriginalConnectedChannelInfo
admin.conversations.restrictAccess: addGroup listGroups removeGroup
admin.emoji: add addAlias list remove rename
admin.functions: list
admin.functions.permissions: lookup set
admin.inviteRequests: approve deny list
admin.inviteRequests.approved: list
admin.inviteRequests.denied: list
admin.roles: addAssignments listAssignments removeAssignments
admin.slackbot.skills: list publish setAutoEnabled unpublish
admin.teams.admins: list
admin.teams: create list
admin.teams.owners: list
admin.teams.settings: info setDefaultChannels setDescription setDiscoverability setIcon setName
admin.usergroups: addChannels addTeams listChannels removeChannels
admin.users: assign getExpiration invite list remove setAdmin setExpiration setOwner setRegular
admin.users.session: clearSettings getSettings invalidate list reset resetBulk setSettings
admin.users.unsupportedVersions: export
admin.workflows.collaborators: add remove
admin.workflows.permissions: lookup
admin.workflows: search unpublish
agents.conversations: archive create getCanvas listViews removeView setCanvasContent setCommands setProperties
    setView
agents.sessions: rename setStatus
api: test
apps.connections: open
apps.event.authorizations: list
apps.manifest: create delete export update validate
apps: uninstall
apps.user.connection: bulkUpdate requestAuth update
assistant.threads: setStatus setSuggestedPrompts setTitle
auth: revoke test
auth.teams: list
blocks: validate
bookmarks: add edit list remove
bots: info
calls: add end info update
calls.participants: add remove
canvases.access: delete set
canvases: create delete edit getContent
canvases.sections: lookup
channels: archive create history info invite join kick leave list mark rename replies setPurpose setTopic
    unarchive
chat: appendStream delete deleteScheduledMessage getPermalink meMessage postEphemeral postMessage
    scheduleMessage startStream stopStream unfurl update
chat.scheduledMessages: list
conversations: acceptSharedInvite approveSharedInvite archive close create declineSharedInvite history info
    invite inviteShared join kick leave list listConnectInvites mark members open rename replies setPurpose
    setTopic unarchive
conversations.canvases: create
conversations.externalInvitePermissions: set
conversations.requestSharedInvite: approve deny list
dialog: open
dnd: endDnd endSnooze info setSnooze teamInfo
emoji: list
entity: presentDetails
files.comments: delete
files: completeUploadExternal delete getUploadURLExternal info list revokePublicURL sharedPublicURL upload
files.remote: add info list remove share update
functions: completeError completeSuccess
groups: archive create createChild history info invite kick leave list mark open rename replies setPurpose
    setTopic unarchive
im: close history list mark open replies
migration: exchange
mpim: close history list mark open replies
oauth: access
oauth.v2: access exchange
openid.connect: token userInfo
pins: add list remove
reactions: add get list remove
reminders: add complete delete info list
rtm: connect start
search: all files messages
slackLists.access: delete set
slackLists: create update
slackLists.download: get start
slackLists.items: create delete deleteMultiple info list update
slackbot.skills: create delete info list update
slackbot.skills.library: add remove
stars: add list remove
team: accessLogs billableInfo info integrationLogs
team.billing: info
team.externalTeams: disconnect list
team.preferences: list
team.profile: get
tooling.tokens: rotate
usergroups: create disable enable list update
usergroups.users: list update
users: conversations deletePhoto getPresence identity info list lookupByEmail setPhoto setPresence
users.discoverableContacts: lookup
users.profile: get set
views: open publish push update
workflows.featured: add list remove set
workflows: stepCompleted stepFailed updateStep
"""


# Of a newer slack_sdk than the oldest that is supported, or called by Slack's templates without a method of slack_sdk.
_MORE = """
apps.icon: set
apps.managed.permissions: set
assistant.search: context info
developer.sampleData: get
"""


def _names(by_family: str) -> frozenset[str]:
    found, family = set(), ""
    for word in by_family.split():
        if word.endswith(":"):
            family = word[:-1]
        else:
            found.add(f"{family}.{word}")
    return frozenset(found)


NOT_IN_EACH_SDK = _names(_MORE)
SLACK_METHODS = _names(_BY_FAMILY) | NOT_IN_EACH_SDK
