"""Tells who still calls `python -m app` what to write now: `app/` is only the folder that holds the packages."""

import sys

sys.exit("python -m app is gone: write `anchorbolt COMMAND`, or `python -m anchorbolt COMMAND`, as you did before")
