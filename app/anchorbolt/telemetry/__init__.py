"""Logs, metrics and traces. Every other package may import it; it imports none of them but settings and errors."""
