"""Write what a run found out for another program. The same as `tvmq-diag export`."""

import sys

from tvmq_diag.commands import cli, export

if __name__ == "__main__":
    sys.exit(cli.script(export))
