"""`anchorbolt manifest`: prints the manifest that creates the Slack app, with a host in it or for Socket Mode."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from anchorbolt import settings
from anchorbolt.settings.model import Settings

MANIFEST = Path("manifest.json")  # in the working directory: it is the team's
PLACEHOLDER = "https://YOUR-HOST"
# They remove tokens that Slack has revoked.
LEAVING = ("app_uninstalled", "tokens_revoked")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ORIGIN = re.compile(rf"(?:https://)?(?P<host>{_LABEL}(?:\.{_LABEL})+(?::[0-9]{{1,5}})?)/?")


def manifest(
    host: Annotated[
        str | None, typer.Option(help="Where Slack reaches the app: a host name, or an https address.")
    ] = None,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode, in which Slack needs no URL.")] = False,
    output: Annotated[Path | None, typer.Option(help="The file to write, instead of standard output.")] = None,
) -> None:
    """Prints the manifest for creating the app at https://api.slack.com/apps (Create New App, From a manifest).

    With SLACK_CLIENT_ID in the settings, it has the redirect URL and the scopes for an installation by OAuth.
    """
    if (host is None) != socket:
        raise typer.BadParameter("give one of --host and --socket")
    text = installable(for_sockets() if host is None else filled_in(host), settings.load())
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}", param_hint="--output") from error


def filled_in(host: str) -> str:
    """Returns the text of manifest.json with `host` for the placeholder.

    Raises typer.BadParameter for a bad host or a manifest.json that cannot be read.
    """
    match = _ORIGIN.fullmatch(host)
    if match is None:
        raise typer.BadParameter(
            f"{host!r} is neither a host name that the internet knows (example.com) nor its https address without a"
            " path (https://example.com)",
            param_hint="--host",
        )
    return _template().replace(PLACEHOLDER, f"https://{match['host']}")


def for_sockets() -> str:
    """Returns manifest.json with Socket Mode switched on and without a URL in it: Slack asks for none then."""
    manifest = _without_urls(json.loads(_template()))
    manifest["settings"]["socket_mode_enabled"] = True
    return json.dumps(manifest, indent=2) + "\n"


def installable(text: str, found: Settings) -> str:
    """Returns the text of a manifest with what users need to install the app by OAuth, where the settings ask for it.

    That is the redirect URL, the scopes, and the events that tell of workspaces that leave.
    """
    if not found.installs:
        return text
    manifest = json.loads(text)
    oauth = manifest.setdefault("oauth_config", {})
    scopes = oauth.setdefault("scopes", {})
    for who, wanted in (("bot", found.bot_scopes), ("user", found.user_scopes)):
        scopes.pop(who, None)
        if wanted:
            scopes[who] = wanted
    if found.public_url:
        oauth["redirect_urls"] = [found.redirect_url]
    events = manifest.setdefault("settings", {}).setdefault("event_subscriptions", {}).setdefault("bot_events", [])
    events += [event for event in LEAVING if event not in events]
    return json.dumps(manifest, indent=2) + "\n"


def _template() -> str:
    try:
        return MANIFEST.read_text()
    except OSError as error:
        raise typer.BadParameter(f"{MANIFEST} cannot be read in this folder: {error.strerror}") from error


def _without_urls(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_urls(value) for name, value in part.items() if not str(value).startswith(PLACEHOLDER)}
    return [_without_urls(value) for value in part] if isinstance(part, list) else part
