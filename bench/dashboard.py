"""Draws the Grafana dashboard from a real Prometheus that scraped real pods under load, without Grafana itself.

One pod over HTTP, one in Socket Mode.

uv run --with matplotlib python -m bench.dashboard --seconds 180 docs/pictures/dashboard.png

The queries are the dashboard's own; the drawing is matplotlib's, and looks only roughly as Grafana would.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.player import Player, client
from anchorbolt.emulator.samples import SAMPLES, make
from anchorbolt.emulator.scene import Scene
from anchorbolt.emulator.script import Line
from anchorbolt.emulator.signing import EMULATOR_SECRET, Forgery
from anchorbolt.emulator.socket_mode.envelope import is_sent_over_sockets
from anchorbolt.emulator.socket_mode.player import SocketPlayer
from anchorbolt.emulator.socket_mode.sockets import Sockets

from tests.support.app_process import AppProcess
from tests.support.dashboard import Panel, panels
from tests.support.prometheus import Prometheus

INTERVAL = "20s"
COLUMNS = 4
MOST_IN_LEGEND = 7
COLOURS = ("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300")
SOCKET = {"RECEIVER": "socket", "SLACK_APP_TOKEN": "xapp-made-up", "DATABASE_URL": "sqlite+aiosqlite://"}
Series = list[tuple[str, list[float], list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--seconds", type=float, default=180)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = asyncio.run(_measure(Path(place), options.seconds))
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    _draw(found, options.picture)


async def _measure(directory: Path, seconds: float) -> list[tuple[Panel, Series]]:
    async with Emulator() as slack:
        ours: dict[str, Any] = {"LISTENERS": "anchorbolt_sample", "MAX_ATTEMPTS": 3, "LOG_LEVEL": "ERROR"}
        posted = AppProcess.start(directory, slack.api_url, **ours)
        connected = AppProcess.start(directory, slack.api_url, **(ours | SOCKET))
        try:
            for app in (posted, connected):
                await app.until_ready()
            targets = [f"127.0.0.1:{app.internal_port}" for app in (posted, connected)]
            async with Prometheus(directory, targets) as prometheus:
                await asyncio.gather(_load(posted.url, slack, seconds), _load_sockets(slack.sockets, seconds))
                return [(panel, await _series(prometheus, panel, seconds)) for panel in panels()]
        finally:
            for app in (posted, connected):
                app.kill()


async def _load(url: str, slack: Emulator, seconds: float) -> None:
    """Every kind of request, in waves; a minute in which Slack limits and fails, retries, junk."""
    kinds, chance, began = list(SAMPLES), random.Random(7), time.monotonic()
    async with client(keep_alive=True, connections=64) as http:
        player = Player(http, url, EMULATOR_SECRET)
        while (elapsed := time.monotonic() - began) < seconds:
            if 0.4 < elapsed / seconds < 0.6 and not slack.script and chance.random() < 0.2:
                slack.script.add(Line(method="chat.postMessage", error="ratelimited"))
                slack.script.add(Line(method="chat.postMessage", error="internal_error"))
                slack.script.add(Line(method="reactions.add", error="message_not_found"))
            sample = make(chance.choice(kinds), Scene())
            await player.send(sample)
            if sample.family == "event" and chance.random() < 0.03:
                await player.send(sample, retry_num=1)
            if chance.random() < 0.02:
                await player.send(sample, forgery=Forgery.BAD_SIGNATURE)
            await asyncio.sleep(0.03 * (1.3 + math.sin(elapsed / 12)))


async def _load_sockets(sockets: Sockets, seconds: float) -> None:
    """Every kind that comes over sockets; Slack wants a new connection twice, and breaks one off."""
    kinds, chance, began = [kind for kind in SAMPLES if is_sent_over_sockets(kind)], random.Random(8), time.monotonic()
    player, troubles = SocketPlayer(sockets), [(0.25, "warning"), (0.5, "refresh_requested"), (0.75, None)]
    while (elapsed := time.monotonic() - began) < seconds:
        await player.send(make(chance.choice(kinds), Scene()))
        if troubles and elapsed / seconds > troubles[0][0]:
            _, reason = troubles.pop(0)
            for connection in sockets.open_connections[-1:]:
                await (connection.close() if reason is None else sockets.warn(connection, reason))
        await asyncio.sleep(0.06)


async def _series(prometheus: Prometheus, panel: Panel, seconds: float) -> Series:
    found: Series = []
    for query in panel.queries:
        for one in await prometheus.ask_range(query.filled(INTERVAL), seconds, max(1.0, seconds / 180)):
            name = query.legend
            for label, value in one["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            points = [(float(at), float(value)) for at, value in one["values"]]
            found.append((name, [at for at, _ in points], [value for _, value in points]))
    return found


def _draw(found: list[tuple[Panel, Series]], picture: Path) -> None:
    import matplotlib as mpl  # type: ignore[import-not-found] # noqa: PLC0415 - wanted for this picture alone

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    plt.style.use("dark_background")
    rows = list(dict.fromkeys(panel.row for panel, _ in found))
    lines = sum(math.ceil(sum(panel.row == row for panel, _ in found) / COLUMNS) for row in rows)
    figure = plt.figure(figsize=(22, 3.1 * lines + 0.5 * len(rows)), facecolor="#111217")
    grid = figure.add_gridspec(lines, COLUMNS, hspace=0.55, wspace=0.22, left=0.03, right=0.99, top=0.965, bottom=0.03)
    start = min(at for _, series in found for _, times, _ in series for at in times)
    line = 0
    for row in rows:
        mine = [item for item in found if item[0].row == row]
        for place, (panel, series) in enumerate(mine):
            axes = figure.add_subplot(grid[line + place // COLUMNS, place % COLUMNS])
            title = f"{row.upper()}\n{panel.title}" if place == 0 else panel.title
            axes.set_title(title, loc="left", fontsize=10)
            axes.set_facecolor("#181b1f")
            (_number if panel.kind == "stat" else _lines)(axes, panel, series, start)
        line += math.ceil(len(mine) / COLUMNS)
    # 128 colours are enough for lines and letters, and a third of the bytes.
    from PIL import Image  # type: ignore[import-not-found] # noqa: PLC0415 - matplotlib brings it

    figure.savefig(picture, dpi=70)
    with Image.open(picture) as drawn:
        drawn.convert("RGB").quantize(128).save(picture, optimize=True)


def _lines(axes: Any, panel: Panel, series: Series, start: float) -> None:
    ordered = sorted(series, key=lambda one: -max((v for v in one[2] if math.isfinite(v)), default=0))
    for number, (name, times, values) in enumerate(ordered):
        short = name.removeprefix("anchorbolt_sample.") if number < MOST_IN_LEGEND else None
        axes.plot([at - start for at in times], values, color=COLOURS[number % len(COLOURS)], lw=1.1, label=short)
    highest = max((value for _, _, values in series for value in values if math.isfinite(value)), default=0)
    if panel.line is not None and panel.line < 4 * highest:
        axes.axhline(panel.line, color="#E24D42", lw=0.8, ls="--")
    axes.set_ylim(bottom=-0.02 * (highest or 1), top=1.25 * (highest or 1))
    axes.grid(color="#2c3235", lw=0.5)
    axes.tick_params(labelsize=7, colors="#9fa7b3")
    axes.text(1, 1.02, f"{panel.unit}; x: seconds", transform=axes.transAxes, ha="right", fontsize=7, color="#9fa7b3")
    axes.legend(fontsize=6, frameon=False, ncol=2, loc="upper left")


def _number(axes: Any, panel: Panel, series: Series, start: float) -> None:
    value = series[0][2][-1] if series else math.nan
    text = f"{value:.1%}" if panel.unit == "percentunit" else f"{value:g}"
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=34, color="#7EB26D", transform=axes.transAxes)
    axes.set_xticks([])
    axes.set_yticks([])


if __name__ == "__main__":
    main()
