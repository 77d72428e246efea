"""Find the pass and op of a wrong result; `--help` shows how. The same as `tvmq-diag bisect`."""

import sys

from tvmq_diag.commands import bisect, cli

if __name__ == "__main__":
    sys.exit(cli.script(bisect))
