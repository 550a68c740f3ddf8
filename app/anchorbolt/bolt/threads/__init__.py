"""Synchronous functions of a team's (listeners, middleware, matchers and the like), run in a bounded pool of threads."""
