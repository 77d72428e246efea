"""See tvmq_diag.commands.benchmark."""

import sys

from tvmq_diag import cli
from tvmq_diag.commands import benchmark

if __name__ == "__main__":
    sys.exit(cli.script(benchmark))
