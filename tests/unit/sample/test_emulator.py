"""What the Slack emulator plays is what the sample app listens to."""

import pytest
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import BOT_USER_ID, Scene
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from tests.unit.sample.slack import Slack

# Slack never expects an answer from a listener to these: control requests are answered at once, and nobody listens to
# team_join, so that the demonstration shows what becomes of such an event.
UNHEARD = {"url_verification", "ssl_check", "app_rate_limited", "team_join"}


@pytest.mark.parametrize("kind", sorted(SAMPLES.keys() - UNHEARD))
async def test_each_sample_reaches_its_listener(app: AsyncApp, slack: Slack, kind: str) -> None:
    """Every sample has a listener that ends well, and that calls the Web API unless its answer is in the ack."""
    slack.answers["auth.test"] = slack.answers["auth.test"] | {"user_id": BOT_USER_ID, "bot_user_id": BOT_USER_ID}
    # The sample's own text holds the word "payload", which makes Bolt 1.30 as it comes lose the command.
    text = "A desk" if kind == "command" else None
    sample = make(kind, Scene(slack_url=slack.url, text=text))
    request = AsyncBoltRequest(body=sample.body.decode(), headers={"content-type": sample.content_type})
    assert (response := await app.async_dispatch(request)).status == 200
    assert slack.methods or "options" in response.body
