"""Trace TVM's quantizer on a model; `--help` shows how. The same as `tvmq-diag trace`."""

import sys

from tvmq_diag.commands import cli, trace

if __name__ == "__main__":
    sys.exit(cli.script(trace))
