"""The exercise on call, as a script: what goes wrong in production, one thing after the other, with real processes."""
