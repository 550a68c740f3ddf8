"""`python -m anchorbolt`: the command line, as the console script `anchorbolt` starts it."""

import sys

if __name__ == "__main__":
    try:
        from anchorbolt.cli import main

        main()
    except KeyboardInterrupt:  # also while it still imports
        sys.exit(130)
