"""Control: what the app answers at its door."""

from __future__ import annotations

import secrets

from anchorbolt.emulator.samples.sample import Sample, as_form, as_json
from anchorbolt.emulator.scene import Scene


def url_verification(scene: Scene) -> Sample:
    """Slack asks once, when the request URL is set, and expects its challenge back."""
    return as_json(
        "url_verification",
        "control",
        {"token": "made-up", "challenge": secrets.token_hex(16), "type": "url_verification"},
    )


def ssl_check(scene: Scene) -> Sample:
    """Slack looks now and then whether the certificate is good."""
    return as_form("ssl_check", "control", {"ssl_check": "1", "token": "made-up"})


def app_rate_limited(scene: Scene) -> Sample:
    """More than 30,000 events an hour: Slack says once a minute that it drops what is over."""
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
