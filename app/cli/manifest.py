"""`python -m app manifest`: the manifest that creates the Slack app, with the host filled in."""

import re
from pathlib import Path
from typing import Annotated

import typer

MANIFEST = Path(__file__).parents[2] / "manifest.json"
PLACEHOLDER = "https://YOUR-HOST"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ORIGIN = re.compile(rf"(?:https://)?(?P<host>{_LABEL}(?:\.{_LABEL})+(?::[0-9]{{1,5}})?)/?")


def manifest(
    host: Annotated[str, typer.Option(help="Where Slack reaches the app: a host name, or an https address.")],
    output: Annotated[Path | None, typer.Option(help="The file to write, instead of standard output.")] = None,
) -> None:
    """Prints the manifest for creating the app at https://api.slack.com/apps (New App, From a manifest)."""
    text = filled_in(host)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}", param_hint="--output") from error


def filled_in(host: str) -> str:
    """Returns the text of manifest.json with `host` for the placeholder. Raises typer.BadParameter for a bad host."""
    match = _ORIGIN.fullmatch(host)
    if match is None:
        raise typer.BadParameter(
            f"{host!r} is neither a host name that the internet knows (example.com) nor its https address without a"
            " path (https://example.com)",
            param_hint="--host",
        )
    return MANIFEST.read_text().replace(PLACEHOLDER, f"https://{match['host']}")
