"""`python -I -m anchorbolt.drain`, which `preStop` executes: tells the pod to drain, and waits for its delay.

It imports the standard library alone: the whole command line would take seconds of a small pod's CPU to start.
"""

import os
import socket
import sys

WAIT_SECONDS = 300.0


def socket_path(environment: "os._Environ[str] | dict[str, str]") -> str:
    """The path of the socket, as the app computes it from DRAIN_SOCKET and INTERNAL_PORT."""
    return environment.get("DRAIN_SOCKET") or f"/tmp/anchorbolt-{environment.get('INTERNAL_PORT') or 3001}.sock"


def main() -> int:
    """Returns the exit code: 0 when the drain's delay is over, 1 when nobody was there to be told."""
    path = socket_path(os.environ)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_SECONDS)
            connection.connect(path)
            connection.sendall(b"drain\n")
            print(connection.recv(64).decode(), end="")
    except OSError as error:
        print(f"anchorbolt: no drain over {path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
