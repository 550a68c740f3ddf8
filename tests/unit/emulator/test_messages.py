"""The emulator remembers messages up to a bound."""

from __future__ import annotations

from anchorbolt.emulator.state.messages import CHANNELS_KEPT, MESSAGES_KEPT, Messages


def test_a_channel_keeps_its_newest_messages() -> None:
    """One message too many pushes the oldest out."""
    messages = Messages()
    for number in range(MESSAGES_KEPT + 1):
        messages.put("C1", {"ts": f"{number}.0"})
    history = messages.history("C1")
    assert (len(history), history[0]["ts"], history[-1]["ts"]) == (MESSAGES_KEPT, f"{MESSAGES_KEPT}.0", "1.0")


def test_the_channel_that_was_written_to_longest_ago_is_forgotten() -> None:
    """One channel too many pushes out the one that nobody wrote to, not the oldest one in use."""
    messages = Messages()
    for number in range(CHANNELS_KEPT):
        messages.put(f"C{number}", {"ts": "1.0"})
    messages.put("C0", {"ts": "2.0"})
    messages.put("one more", {"ts": "1.0"})
    assert len(messages.history("C0")) == 2
    assert messages.history("C1") == []
