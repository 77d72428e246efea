"""Why a call stays in float between the integers of a model that arrives quantized: the clauses
that `relay.arrived` writes down, as src/relay/transforms/fake_quantization_to_integer.cc has it."""

from __future__ import annotations

NO_RULE = "FakeQuantizationToInteger has no rule for it"
NOT_TAKEN = "FakeQuantizationToInteger's rule for it does not take it"
UNREAD = "no qnn.quantize reads what it makes"
BESIDE = "{0} #{1}, read by the same qnn.quantize, has no rule"
FLOAT_INPUT = "{0}, an input read by the same qnn.quantize, is float"

UNRULED = "FakeQuantizationToInteger has no rule for {0}, read by qnn.quantize #{1}"
CLOSED_EARLY = "with qnn.quantize right behind {0} #{1} it fails, behind no op before it"
"""Which op of a region the pass fails at: the clauses of `relay.diagnose.regions`."""

CLAUSES = (NO_RULE, NOT_TAKEN, UNREAD, BESIDE, FLOAT_INPUT)
