"""The lines that `dev` prints outside of the table: important log lines, deliveries, hints, and the end."""

from __future__ import annotations

import os
import textwrap
import time
from collections import deque
from collections.abc import Sequence

from rich.console import Console

from anchorbolt.cli.app_url import app_url
from anchorbolt.cli.dev.log_lines import Ended, LogLine
from anchorbolt.cli.dev.plan import Plan
from anchorbolt.cli.dev.show import say
from anchorbolt.emulator.calls import Call, Calls
from anchorbolt.emulator.scene import EMULATOR_URL, Scene
from anchorbolt.settings.misspelt import misspelt
from anchorbolt.settings.model import Settings

QUIET_LINES_KEPT = 20
TEXT_CHARACTERS = 60
# Where `send` finds the app if no setting says otherwise.
DEFAULT_URL = app_url(Settings.model_fields["port"].default)


class News:
    """Prints what matters, and keeps the last other lines for the case that the app ends without an explanation."""

    def __init__(self, plan: Plan, calls: Calls | None, console: Console) -> None:
        self._plan = plan
        self._calls = calls
        self._calls_shown = 0
        self._console = console
        self._quiet: deque[LogLine] = deque(maxlen=QUIET_LINES_KEPT)
        self._was_loud = False
        self._warnings: set[str] = set()

    def say(self, text: str, look: str = "") -> None:
        """Prints a text. `look`: a style of rich's."""
        say(self._console, text, look)

    def misspelt(self) -> None:
        """Prints which names are close to a setting and are none, each once."""
        for warning in misspelt():
            if warning not in self._warnings:
                self._warnings.add(warning)
                self.say(warning, "yellow")

    def line(self, line: LogLine) -> None:
        """Prints a line of the app's log if it matters, and keeps it otherwise."""
        if line.is_loud or self._plan.verbose:
            self._was_loud = True
            self.say(str(line), "yellow" if line.is_loud and line.fields else "")
        elif line.is_news:
            self.say(str(line), "yellow")
        else:
            self._quiet.append(line)

    def quiet_lines(self) -> None:
        """Prints the kept lines, unless another line has explained what is wrong."""
        while self._quiet and not self._was_loud:
            self.say(str(self._quiet.popleft()))

    def delivery(self, ended: Ended) -> None:
        """Prints the end of a delivery that is not in the table."""
        listener = (ended.listener or "no listener").removeprefix(f"{self._plan.listeners}.")
        told = f"{time.strftime('%H:%M:%S')} {ended.kind}: {ended.told}, {listener}, {ended.duration_ms:.0f} ms"
        if ended.attempt > 1:
            told += f", attempt {ended.attempt}"
        calls = self._new_calls()
        told += f"; Web API calls since the last line: {calls}" if calls else ""
        self.say(told, "red" if ended.outcome in ("failed", "dead") else "")

    def watching(self, folders: Sequence[str] | None) -> None:
        """Prints which folders are watched; None: none, because the package for it is not installed."""
        if folders is None:
            self.say("\nSaved changes need a restart. Install anchorbolt[dev] to have it done when you save.", "yellow")
            return
        shown = [os.path.relpath(folder) for folder in folders]
        self.say(f"\nSaved changes are served at once; watching .env and {', '.join(shown)}")

    def serving(self, scene: Scene) -> None:
        """Prints where the app serves and, with the emulator, the command that sends it one more request."""
        self._new_calls()
        if self._plan.events_url is None:
            self.say("\nConnected to Slack; Ctrl-C drains and ends.")
            return
        self.say(f"\nServing at {self._plan.events_url}; Ctrl-C drains and ends.")
        if self._calls is not None:
            # What another terminal would not find by itself; a secret that is not the emulator's is not shown.
            emulator = "" if scene.slack_url == EMULATOR_URL else f"SLACK_API_URL={scene.slack_url}api/ "
            url = "" if self._plan.events_url == DEFAULT_URL else f" --url {self._plan.events_url}"
            self.say(f"To send it a request, from another terminal: {emulator}anchorbolt send app_mention{url}")

    def _new_calls(self) -> str:
        if self._calls is None:
            return ""
        made = ", ".join(_told(call) for call in self._calls.since(self._calls_shown))
        self._calls_shown = self._calls.count
        return made


def _told(call: Call) -> str:
    """Returns the method of a call and the beginning of the text that it posts, without secrets."""
    text = call.public()["arguments"].get("text")
    if not isinstance(text, str) or not text:
        return call.method
    return f'{call.method} "{textwrap.shorten(text, TEXT_CHARACTERS, placeholder="...")}"'
