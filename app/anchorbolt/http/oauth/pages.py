"""Renders the pages: HTML that a phone shows well, with nothing from elsewhere in it and no script."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

_FOLDER = "templates"
_STYLE = files(__package__).joinpath(_FOLDER, "style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    # Addresses hold a code and a state: nothing keeps them, and no other site learns them.
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


class Pages:
    """All pages of one app. `install_url`: where an installation begins."""

    def __init__(self, install_url: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("anchorbolt.http.oauth", _FOLDER), autoescape=True, undefined=StrictUndefined
        )
        self._environment.globals |= {
            "install_url": install_url,
            "style": Markup(_STYLE),  # noqa: S704 - a file of ours, and the policy above has its hash
        }

    def page(
        self, template: str, status: int = 200, *, headers: dict[str, str] | None = None, **about: Any
    ) -> HTMLResponse:
        """Returns the response with one page.

        Args:
            template: its name, without `.html`.
            status: of HTTP.
            headers: further ones, such as a cookie.
            about: what the template shows; it is escaped.
        """
        html = self._environment.get_template(f"{template}.html").render(**about)
        return HTMLResponse(html, status, HEADERS | (headers or {}))
