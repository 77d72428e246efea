"""Relax, but one more pass prepares the model for the quantizer."""

from __future__ import annotations

from typing import Any

from instruments.compilation import Compilation
from instruments.protocol.jobs import CompileJob
from instruments.quantize_trace import QuantizeTrace
from instruments.relax.compile.compilation import Compile
from instruments.relax.dialect import Relax


class AcmeCompile(Compile):
    """Drops what nothing uses before the quantizer sees it."""

    def prepare(self, module: Any) -> Any:
        from tvm import relax

        return relax.transform.DeadCodeElimination()(super().prepare(module))


class AcmeRelax(Relax):
    """Relax with Acme's own compile."""

    def compilation(self, trace: QuantizeTrace, job: CompileJob) -> Compilation:
        return AcmeCompile(trace, job)


DIALECT = AcmeRelax()
