"""Bolt as we run it: tracked listeners, an ack that is an event, one Web API session, authorization once per token."""

from anchorbolt.bolt import without_unused_certificates  # noqa: F401 - before anything in here imports aiohttp
