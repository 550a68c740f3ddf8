"""What an approval is, and how it travels through Slack."""

import json
from dataclasses import asdict, dataclass
from html import unescape

TITLE_CHARACTERS = 150  # what a header block holds


@dataclass(frozen=True)
class Approval:
    """One person asks another to say yes or no. Users are Slack's ids; `link` may be empty.

    `key` is the key of the delivery that asked for it, so that the card of an approval can be recognized.
    """

    key: str
    title: str
    category: str
    requester: str
    approver: str
    link: str = ""

    def to_json(self) -> str:
        """Returns it as the value of a button, which holds 2,000 characters."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, value: str) -> "Approval":
        """Reads what `to_json` wrote."""
        return cls(**json.loads(value))


def short_line(text: str) -> str:
    """Returns one short line of what a person wrote in Slack, with Slack's &amp; &lt; &gt; undone."""
    return " ".join(unescape(text).split())[:TITLE_CHARACTERS]
