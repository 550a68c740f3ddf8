"""One way to write down a request of Slack's: a small mapping in YAML, as Python keywords or on the command line.

`docs/testing.md` lists what may stand in it. `build` makes the request that Slack would send.
"""

from anchorbolt.emulator.requests.build import build
from anchorbolt.emulator.requests.fields import Request, RequestFormatError
from anchorbolt.emulator.requests.sample import Sample

__all__ = ["Request", "RequestFormatError", "Sample", "build"]
