"""The stand-in for Slack: a Web API for the app to call, and a player that sends it what Slack sends.

For development, demonstration and tests. It knows Slack and nothing of the app's other rooms.
"""
