"""The same model on several TVMs, side by side. The same as `tvmq-diag versions`."""

import sys

from tvmq_diag.commands import cli, versions

if __name__ == "__main__":
    sys.exit(cli.script(versions))
