"""What the emulator remembers does not grow without an end."""

from __future__ import annotations

from anchorbolt.emulator.answers import PLAYED
from anchorbolt.emulator.state.bounded import KEPT, Bounded
from anchorbolt.emulator.state.workspace import Workspace


def test_the_entry_that_was_set_longest_ago_is_dropped() -> None:
    """A third entry pushes out the one of two that was not set again."""
    kept: Bounded[str, int] = Bounded(2)
    kept["a"] = kept["b"] = kept["a"] = 1
    kept["c"] = 1
    assert list(kept) == ["a", "c"]


def test_an_app_that_calls_for_days_is_remembered_in_part() -> None:
    """More channels, users, reactions, bookmarks and views than are kept leave no more than are kept."""
    workspace = Workspace()
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}}
    for number in range(KEPT + 10):
        channel, ts = f"C{number}", f"{number + 1}.0"
        for method, arguments in (
            ("chat.postMessage", {"channel": channel, "text": "x"}),
            ("reactions.add", {"channel": channel, "timestamp": ts, "name": "eyes"}),
            ("pins.add", {"channel": channel, "timestamp": ts}),
            ("bookmarks.add", {"channel_id": channel, "title": "x", "type": "link", "link": "https://example.com"}),
            ("views.open", {"trigger_id": f"{number}.1", "view": view}),
            ("users.info", {"user": f"U{number}"}),
        ):
            assert PLAYED[method](arguments, workspace, 1_760_000_000.0)["ok"]
    assert len(workspace.channels.all()) == len(workspace.users.all()) == KEPT
    assert len(workspace.reactions) == len(workspace.pins) == len(workspace.bookmarks) == len(workspace.views) == KEPT
