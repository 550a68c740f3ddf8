"""`pip` and `python -m pip` in the image: the pip of the image's own Python, which installs into what serves.

/opt/venv was made without a pip of its own. This one file, in its site-packages, spares the image a second copy; a pip
that is installed later is a package of this name, and Python prefers that.
"""

import os
import sys

if __name__ == "__main__":
    base = sys._base_executable
    os.execv(base, [base, "-m", "pip", "--python", sys.executable, *sys.argv[1:]])  # noqa: S606 - what the caller wrote
