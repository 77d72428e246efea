"""Acme's Relax: where its parts are that run beside TVM."""

from __future__ import annotations

from pathlib import Path

from tvmq_diag.extensions import Dialect

ACME_RELAX = Dialect("relax", "acme_in_tvm.dialect", Path(__file__).parent.parent)
