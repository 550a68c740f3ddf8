"""The Web API client that listeners are given: slack_sdk's, over one aiohttp session, with its calls counted."""
