"""A slash command. https://docs.slack.dev/interactivity/implementing-slash-commands"""

from __future__ import annotations

from anchorbolt.emulator.requests.fields import Fields, as_text
from anchorbolt.emulator.requests.sample import Sample, as_form
from anchorbolt.emulator.requests.shared_fields import channel_name, in_scene, key_of
from anchorbolt.emulator.scene import TEAM_DOMAIN, Scene, fresh_trigger_id


def command(name: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody enters a command. `name`: with its slash."""
    scene = in_scene(fields, scene)
    trigger_id = fresh_trigger_id(scene.clock())
    channel = fields.text("channel", scene.channel_id)
    form = {
        "token": "made-up",
        "team_id": scene.team_id,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel,
        "channel_name": channel_name(channel),
        "user_id": scene.user_id,
        "user_name": "ada",
        "command": name,
        "text": fields.text("text", ""),
        "api_app_id": scene.app_id,
        "is_enterprise_install": "false",
        "response_url": f"{scene.slack_url}response/command/{trigger_id}",
        "trigger_id": trigger_id,
    }
    changes = fields.mapping("payload")
    fields.finish()
    form |= {field: as_text(f"command: payload.{field}", value) for field, value in changes.items()}
    return as_form("command", "command", form, key_of("command", form))
