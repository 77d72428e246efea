"""Compare two or more runs or traces. The same as `tvmq-diag compare`."""

import sys

from tvmq_diag.commands import cli, compare

if __name__ == "__main__":
    sys.exit(cli.script(compare))
