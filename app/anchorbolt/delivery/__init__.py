"""What a request from Slack is: its kind, its idempotency key, its conversation and its lane."""

from anchorbolt.delivery.attempt import Attempt
from anchorbolt.delivery.delivery import Control, Delivery
from anchorbolt.delivery.kinds import Kind
from anchorbolt.delivery.parse import parse, restore

__all__ = ["Attempt", "Control", "Delivery", "Kind", "parse", "restore"]
