"""Events of the Events API. Functions and the assistant have folders of their own."""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample.events.app_home_opened import publish_home
from anchorbolt_sample.events.app_mention import answer_mention
from anchorbolt_sample.events.message import REQUEST, offer_form
from anchorbolt_sample.events.reaction_added import react_back


def register(app: AsyncApp) -> None:
    """Registers the events."""
    app.event("app_home_opened")(publish_home)
    app.event("app_mention")(answer_mention)
    app.event("reaction_added")(react_back)
    app.message(REQUEST)(offer_form)
