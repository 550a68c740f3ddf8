"""Listeners of the sort that would block everybody else."""

from slack_bolt.async_app import AsyncApp


def register(app: AsyncApp) -> None:
    """A plain function, where Bolt's async app wants a coroutine function."""

    @app.event("app_mention")
    def mentioned() -> None: ...
