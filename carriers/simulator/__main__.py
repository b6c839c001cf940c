"""``python -m carriers.simulator``."""

import sys

from carriers.simulator.main import main

if __name__ == "__main__":
    sys.exit(main())
