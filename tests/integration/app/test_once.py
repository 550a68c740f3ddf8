"""An event runs once, however often and whenever Slack sends it."""

from __future__ import annotations

from anchorbolt.emulator.samples import make
from anchorbolt.emulator.scene import Scene

from tests.integration.app.conftest import PlayTo, StartApp
from tests.support.listener_log import ListenerLog


async def test_a_retry_runs_nothing_also_after_a_restart(
    start_app: StartApp, play_to: PlayTo, listener_log: ListenerLog
) -> None:
    """The second delivery of an event_id is 200 and runs nothing, whatever its retry header says, before a restart
    and after it."""
    sample = make("app_mention", Scene(text="n=1"))
    app = start_app()
    await app.until_ready()
    # 1. The event runs.
    assert (await play_to(app).send(sample)).status == 200
    await listener_log.until_said("done", key=sample.key)
    # 2. Again, as a retry and as none.
    assert (await play_to(app).send(sample, retry_num=1)).status == 200
    assert (await play_to(app).send(sample)).status == 200
    # 3. And after a restart.
    app.terminate()
    assert await app.until_ended() == 0
    again = start_app()
    await again.until_ready()
    assert (await play_to(again).send(sample, retry_num=2)).status == 200
    # 4. One more event went through everything that the retries would have gone through.
    last = make("app_mention", Scene(text="n=2"))
    assert (await play_to(again).send(last)).status == 200
    await listener_log.until_said("done", key=last.key)
    assert listener_log.counts("start") == {sample.key: 1, last.key: 1}
