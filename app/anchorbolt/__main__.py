"""`python -m anchorbolt`: the command line, as the console script `anchorbolt` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from anchorbolt.errors import FAILED, MISTAKEN, MISTAKES, AnchorboltError, InvalidSettingsError
from anchorbolt.lifecycle import held_signals


def main() -> None:
    """Runs a command and ends the process. Errors of ours are printed as messages, without a traceback."""
    if sys.path[:1] != [working_directory := str(Path.cwd())]:
        sys.path.insert(0, working_directory)  # as `python -m` does: a team's app.py or listeners/ is found there
    try:
        if sys.argv[1:] == ["serve"]:
            # Without Typer, which takes time, and memory of a master that only waits. Typer answers `serve --help`, and
            # refuses any other word after `serve`.
            held_signals.hold_back()
            from anchorbolt.master import serve  # noqa: PLC0415

            serve()
        else:
            from anchorbolt import cli  # noqa: PLC0415

            cli.main()
    except KeyboardInterrupt:  # also while it still imports
        sys.exit(130)
    except InvalidSettingsError as error:
        sys.exit(_complain(*error.problems, code=MISTAKEN))
    except AnchorboltError as error:
        sys.exit(_complain(str(error), code=MISTAKEN if isinstance(error, MISTAKES) else FAILED))


def _complain(*messages: str, code: int) -> int:
    from anchorbolt.telemetry.redact import without_secrets  # noqa: PLC0415 - only for a message

    for message in messages:
        print(f"anchorbolt: {without_secrets(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
