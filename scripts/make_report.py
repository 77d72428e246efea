"""Render the report of a trace recorded in a script of your own. The same as `tvmq-diag report`."""

import sys

from tvmq_diag.commands import cli, report

if __name__ == "__main__":
    sys.exit(cli.script(report))
