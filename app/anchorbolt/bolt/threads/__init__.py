"""Synchronous functions of a team's (listeners, middleware, matchers, ...), run in a bounded pool of threads."""
