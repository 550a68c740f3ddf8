"""A slash command."""

from __future__ import annotations

from anchorbolt.emulator.samples.sample import Sample, as_form
from anchorbolt.emulator.scene import TEAM_DOMAIN, Scene, fresh_trigger_id


def command(scene: Scene) -> Sample:
    """`/approval` with the word `payload` in its text, because Bolt 1.30 misreads such a command."""
    trigger_id = fresh_trigger_id(scene.clock())
    text = "Ship the payload & 100 % of the café" if scene.text is None else scene.text
    return as_form(
        "command",
        "command",
        {
            "token": "made-up",
            "team_id": scene.team_id,
            "team_domain": TEAM_DOMAIN,
            "channel_id": scene.channel_id,
            "channel_name": "general",
            "user_id": scene.user_id,
            "user_name": "ada",
            "command": "/approval",
            "text": text,
            "api_app_id": scene.app_id,
            "is_enterprise_install": "false",
            "response_url": f"{scene.slack_url}response/command/{trigger_id}",
            "trigger_id": trigger_id,
        },
        f"command:{trigger_id}",
    )
