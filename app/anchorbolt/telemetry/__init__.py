"""Seen from outside: logs, metrics and traces. Everybody may use it; it uses nobody."""
