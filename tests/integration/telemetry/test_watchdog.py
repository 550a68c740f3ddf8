"""A listener that blocks the event loop is found by its name."""

from __future__ import annotations

from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp

LISTENERS = "tests.integration.telemetry.blocking_listeners"


async def test_a_listener_that_blocks_the_loop_is_named(start_app: StartApp, play_to: PlayTo) -> None:
    """While it blocks, a line shows the listener, the key of its run, and the line of code; another one says how long
    it was."""
    app = start_app(LISTENERS=LISTENERS)
    await app.until_ready()
    mention = make("app_mention", Scene())
    await play_to(app).send(mention)
    (over,) = await app.until_logged("the event loop goes on")
    (stuck,) = app.log("the event loop stands still")
    assert stuck["key"] == mention.key
    assert stuck["listener"].endswith("sleep_in_the_loop")
    assert "in sleep_in_the_loop" in stuck["stack"]
    assert over["reported"] is True
