"""What the head of a request to the Slack route must say before its body is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.errors import RefusedError

CONTENT_TYPES = {content_type.encode(): content_type for content_type in (JSON, FORM)}
TOO_LARGE = RefusedError(413, "too_large")
# In the scope of a request whose body has arrived as a whole (one_request.py).
BODY_IS_WHOLE: Final = "anchorbolt.body_is_whole"


def check_head(scope: Scope, headers: Mapping[bytes, bytes], max_bytes: int) -> str:
    """Refuses by the head alone what need not be read.

    Returns the content type, JSON or FORM. Raises RefusedError: 413 for a declared length above `max_bytes`, 405 for
    any method but POST, 415 for another content type; in this order.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > max_bytes:
        raise TOO_LARGE.copy()
    if scope["method"] != "POST":
        raise RefusedError(405, "method_not_allowed")
    declared = headers.get(b"content-type", b"")
    content_type = CONTENT_TYPES.get(declared) or CONTENT_TYPES.get(declared.split(b";", 1)[0].strip().lower())
    if content_type is None:
        raise RefusedError(415, "unsupported_content_type")
    return content_type
