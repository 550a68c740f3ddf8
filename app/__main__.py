"""`python -m app`: the command line."""

import sys

if __name__ == "__main__":
    try:
        from app.cli import main

        main()
    except KeyboardInterrupt:  # also while it still imports
        sys.exit(130)
