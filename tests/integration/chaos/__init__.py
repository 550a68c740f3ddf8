"""Many events, many faults at once, and an account at the end."""
