"""`python -m tvmq_diag` is the command `tvmq-diag`."""

from __future__ import annotations

import sys

from .commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
