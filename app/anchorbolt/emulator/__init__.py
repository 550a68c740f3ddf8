"""The Slack emulator: a Web API for the app to call, and a player that sends the app what Slack sends.

It serves development, the demonstration and tests. Of the product it imports only errors.
"""
