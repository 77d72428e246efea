"""Run two TVMs, or one and a patch of it, and compare. The same as `tvmq-diag ab`."""

import sys

from tvmq_diag.commands import ab, cli

if __name__ == "__main__":
    sys.exit(cli.script(ab))
