"""Control requests: the app answers them at once and never stores them."""

from __future__ import annotations

import secrets

from anchorbolt.emulator.requests.sample import Sample, as_form, as_json
from anchorbolt.emulator.scene import Scene


def url_verification(scene: Scene) -> Sample:
    """Slack sends it once, when the request URL is set, and expects its challenge back."""
    return as_json(
        "url_verification",
        "control",
        {"token": "made-up", "challenge": secrets.token_hex(16), "type": "url_verification"},
    )


def ssl_check(scene: Scene) -> Sample:
    """Slack sends it now and then to check the certificate."""
    return as_form("ssl_check", "control", {"ssl_check": "1", "token": "made-up"})


def app_rate_limited(scene: Scene) -> Sample:
    """Slack sends it once a minute while it drops events because there are more than 30,000 an hour."""
    return as_json(
        "app_rate_limited",
        "control",
        {
            "token": "made-up",
            "type": "app_rate_limited",
            "team_id": scene.team_id,
            "minute_rate_limited": int(scene.clock()) // 60 * 60,
            "api_app_id": scene.app_id,
        },
    )
