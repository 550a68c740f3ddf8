"""What a request from Slack is: its kind, its idempotency key, its conversation and its lane."""

from app.delivery.attempt import Attempt
from app.delivery.delivery import Control, Delivery
from app.delivery.kinds import Kind
from app.delivery.parse import parse, restore

__all__ = ["Attempt", "Control", "Delivery", "Kind", "parse", "restore"]
