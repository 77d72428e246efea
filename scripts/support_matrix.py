"""What TVM can do in each dtype, op by op, and what to fix next. The same as `tvmq-diag matrix`."""

import sys

from tvmq_diag.commands import cli, matrix

if __name__ == "__main__":
    sys.exit(cli.script(matrix))
