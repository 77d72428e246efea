"""Everything of tvmq_diag that runs inside a TVM process. Importing it does not import tvm.

Runs on Python 3.8 and later, needs the standard library, numpy and tvm, and nothing of ours
besides: it is started inside other people's environments.
"""

from .quantize_trace import QuantizeTrace

__all__ = ["QuantizeTrace"]
