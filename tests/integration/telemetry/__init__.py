"""The app as it is seen from outside: its metrics, logs and traces, its alerts and its dashboard."""
