"""The app as a real process, told by a real SIGTERM, SIGKILL or broken disk."""
