"""The life of a pod: its states, probes and signals, the gunicorn master above it, and the transport."""
