"""What a team's tests import: our Bolt app without a server and without a database (docs/listeners.md)."""

from anchorbolt.testing.app import AsyncApp

__all__ = ["AsyncApp"]
