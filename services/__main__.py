"""``python -m services``."""

import sys

from services.main import main

if __name__ == "__main__":
    sys.exit(main())
