"""Many models in many configurations, against a baseline. The same as `tvmq-diag zoo`."""

import sys

from tvmq_diag.commands import cli, zoo

if __name__ == "__main__":
    sys.exit(cli.script(zoo))
