"""The files of a run and of its traces, by name."""

from __future__ import annotations

from ..instruments.protocol.schema import JOB as JOB
from ..instruments.protocol.schema import OUTPUT as OUTPUT
from ..instruments.protocol.schema import OUTPUTS as OUTPUTS

VERDICTS = "verdict.json"
FACTS = "run.json"
TRACES = "traces"
SCRIPT = "script"
"""The folder of the trace of somebody's own script, among the traces."""
BENCHMARK = "benchmark"
"""The folder of the benchmark's journal, among the traces."""
SEARCHES = ("search", "search-over-data")
"""The folders of the journals of searches for the fewest bits, among the traces: from the default,
and from the default with the ranges of activations found on data."""
TUNING = "tuning"
"""The folder of the journal of tuning, among the traces."""
RECORDS = "tuning"
"""In the run's folder, that of the schedules that models were built with, in TVM's own form: a file
a model, called as its trace."""
RECORD_FILE = ".log"
"""Behind a trace's name: the file of its model's records."""
TUNED = "-tuned"
"""Behind a trace's name: that of the same model, built with records."""
CHOICE = "tuning-choice"
"""The folder of the journal of the benchmark that chose between models built with records."""
BITS = "bits.toml"
"""Bits of each weight of a configuration that the search found, in its trace's folder."""
NUMBERS = "-numbers"
"""Behind a trace's name: the folder of the journal of its numbers."""
BISECTION = "-bisection"
"""Likewise: of the search for the pass and op that a wrong result comes from."""
INPUTS = "inputs.npz"
"""What the model was run on, where the job says to keep that; inside the trace's folder."""
