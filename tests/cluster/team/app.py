"""A team's app: a synchronous one, with a dependency of its own."""

import os

import openai  # type: ignore[import-not-found] # only the image of the Dockerfile beside it has it
from slack_bolt import App

app = App(token=os.environ["SLACK_BOT_TOKEN"], signing_secret=os.environ["SLACK_SIGNING_SECRET"])


@app.event("app_mention")
def answer(say):  # type: ignore[no-untyped-def] # as teams write it
    """Says which version of its dependency it has."""
    say(openai.__version__)
