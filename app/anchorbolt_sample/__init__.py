"""Your listeners: a small app for approvals that has one of every kind, to be read first and then replaced.

A person asks for an approval (command, shortcuts, button, message, workflow step), the approver gets a card with two
buttons, and the person learns the decision. The app keeps no state of its own: an open form holds it in its
`private_metadata`, a card in the values of its buttons and in its message metadata.

One folder for each kind, in Slack's words; one file for each listener. Listeners know Bolt and nothing else of ours.
"""

from slack_bolt.async_app import AsyncApp

from anchorbolt_sample import actions, assistant, commands, events, functions, options, shortcuts, views


def register(app: AsyncApp) -> None:
    """Registers every listener. The setting LISTENERS names the module whose `register` is called at the start."""
    for kind in (commands, shortcuts, options, views, actions, events, functions, assistant):
        kind.register(app)
