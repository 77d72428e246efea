"""See tvmq_diag.commands.benchmark."""

import sys

from tvmq_diag.commands import benchmark, cli

if __name__ == "__main__":
    sys.exit(cli.script(benchmark))
