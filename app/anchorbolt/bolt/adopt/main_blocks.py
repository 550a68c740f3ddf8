"""Runs the main blocks that LISTENERS names before the rest is loaded: they need an event loop that runs meanwhile."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt import django, starts
from anchorbolt.bolt.adopt.importing import ask_slack_at
from anchorbolt.bolt.adopt.main_block import app_of_main, app_of_main_in_this_loop
from anchorbolt.bolt.adopt.target import MAIN, Target, targets
from anchorbolt.errors import ListenersError


@dataclass
class MainBlocks:
    """The apps of the blocks that have been run, or what is wrong with them, and the threads that they have begun."""

    came: dict[Target, App | AsyncApp | ListenersError] = field(default_factory=dict)
    threads: set[threading.Thread] = field(default_factory=set)

    def app_of(self, target: Target) -> App | AsyncApp:
        """Returns the app of a module's block, which is run now if it was not run before. Raises ListenersError."""
        came = self.came.get(target)
        if isinstance(came, ListenersError):
            raise came
        return came or app_of_main(target)


async def run_main_blocks(listeners: str, api_url: str) -> MainBlocks:
    """Runs each `module:__main__` of LISTENERS. What is wrong with LISTENERS itself is told when it is registered.

    Args:
        listeners: the setting.
        api_url: the address of the Web API, for the clients that the blocks make.
    """
    blocks = MainBlocks()
    found: list[Target] = []
    with suppress(ListenersError):
        found = [target for target in targets(listeners) if target.attribute == MAIN]
    if not found:
        return blocks
    ask_slack_at(api_url)
    starts.take_over()
    with suppress(ListenersError):  # `register` calls it too, and tells
        django.set_up()
    before = set(threading.enumerate())
    for target in found:
        try:
            blocks.came[target] = await app_of_main_in_this_loop(target)
        except ListenersError as error:
            blocks.came[target] = error
    blocks.threads = set(threading.enumerate()) - before
    return blocks
