"""Slack over HTTP: the FastAPI application, its Slack route, the limits of a request, its signature, its responses."""
