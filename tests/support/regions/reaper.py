"""`python reaper.py COMMAND...`: runs a command, and takes up what it leaves behind as soon as that ends, as init does.

Some machines have an init that does so every other second only. A server that has ended is a zombie until then, which
Patroni takes for one that still shuts down: each switchover would take a second longer than it does elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36

if __name__ == "__main__":
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
    with contextlib.suppress(ChildProcessError):  # nothing is left
        while True:
            os.wait()
