"""The words that both halves of the project share: the journal's schema and its stages.

Standard library only: `tvmq_diag`, which never imports tvm, reads this module too.
"""

from __future__ import annotations

SCHEMA = 1
"""Version of the journal's layout. A reader refuses a newer one and says so."""

JOURNAL = "journal.jsonl"
"""The journal's file name inside a trace's folder."""

OUTPUTS = "outputs.npz"
"""The outputs of a model that ran."""
OUTPUT = "output.txt"
"""What the process printed, inside the trace's folder."""

JOB = "job.json"
"""The job of the process, there too. Both are there before the trace begins."""

HIDDEN = "TVMQ_DIAG_HIDDEN"
"""In the environment of a process that the tool starts: the names, with commas between, of packages
that are for it as if they were not installed."""

PARENT = "TVMQ_DIAG_PARENT"
"""In the environment of a process that the tool starts: the number of the tool's own, which may
have been killed before that process could ask to end with it."""

UNWRITABLE = 74
"""The exit code of a process whose trace could not be written to its end (EX_IOERR of BSD's
sysexits.h): nothing it says of a model is to be believed."""

RELAY = "relay"
RELAX = "relax"
"""The dialects."""

DIALECT_MODULES = {RELAY: "tvm.relay.quantize", RELAX: "tvm.relax"}
"""What a TVM must have for a dialect. One with Relay's quantizer is a Relay unless asked otherwise:
TVM 0.16 to 0.19 have both."""

DIALECT_OF_ANOTHER = "TVMQ_DIAG_DIALECT"
"""In the environment of a TVM process: another package's parts of its dialect, as the module that
has them and the folder that this is in, with a line break between."""

FOLDING = "FoldConstant"
"""Constant folding compiles what it folds: thousands of passes, shown as one line."""

QUANTIZER_BEGINS = ("QuantizePartition", "QuantizeAnnotate")
"""The pass that a run of the quantizer begins with, in Relay and in Relax."""

SEQUENCE = "sequential"
"""A list of passes is a pass too, and spans stages."""

TYPE_ONLY = "InferType"
"""Fills in types and changes nothing else; most Relay passes run one inside."""

WRAPPERS = (SEQUENCE, TYPE_ONLY)
"""Passes that count as part of others: what they do is done by those inside or around them."""

STAGES = (
    "import",
    "prepare",
    "partition",
    "annotate",
    "calibrate",
    "realize",
    "fold",
    "lower",
    "codegen",
    "load",
    "run",
    "check",
)
"""Every pass event and every failure belongs to one of these, in the order a compile meets them."""
