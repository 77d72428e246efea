"""Why FakeQuantizationToInteger leaves a call in float, and at which op it fails: the clauses that
`relay.arrived` and `relay.diagnose.regions` write down, as its source has it
(src/relay/transforms/fake_quantization_to_integer.cc)."""

from __future__ import annotations

NO_RULE = "FakeQuantizationToInteger has no rule for it"
NOT_TAKEN = "FakeQuantizationToInteger's rule for it does not take it"
UNREAD = "no qnn.quantize reads what it makes"
BESIDE = "{0} #{1}, read by the same qnn.quantize, has no rule"
FLOAT_INPUT = "{0}, an input read by the same qnn.quantize, is float"

CLAUSES = (NO_RULE, NOT_TAKEN, UNREAD, BESIDE, FLOAT_INPUT)

WITHOUT_RULE = "FakeQuantizationToInteger has no rule for {0}, read by qnn.quantize #{1}"
CLOSED_EARLY = "with qnn.quantize right behind {0} #{1} it fails, behind no op before it"
