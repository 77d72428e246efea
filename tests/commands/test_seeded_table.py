"""What scripts/seeded_nets.py makes of verdicts: its table and its exit code. No TVM."""

from __future__ import annotations

import runpy
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import ROOT

from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.outputs import Outputs
from tvmq_diag.results.verdict import REJECTED, WORKS, WRONG, Verdict


def outputs_of(spread: float) -> Outputs:
    """Of three inputs: what they have in common, and noise of that size."""
    generator = np.random.default_rng(0)
    common, noise = generator.normal(size=(1, 1, 10)), generator.normal(size=(3, 1, 10))
    return Outputs([common + spread * noise])


def exit_code(monkeypatch: pytest.MonkeyPatch, second: str, spread: float) -> int:
    """Of two seeds of a net, the first of which works."""

    def verdict(net: str, seed: int, options: Namespace, folder: Path) -> Verdict:
        made: dict[str, Any] = {}
        both = outputs_of(spread)
        if options.dtype == "as-is":
            (folder / f"{net}-{seed}" / "traces" / "as-is").mkdir(parents=True)
            saved = folder / f"{net}-{seed}" / "traces" / "as-is" / "outputs.npz"
            np.savez(saved, output0=both.arrays[0])
        outcome = second if seed or second == REJECTED else WORKS
        if outcome != REJECTED:
            made["metrics"] = outputs.compare(both, both)
        return Verdict(options.dtype, "relay", outcome, **made)

    script = runpy.run_path(str(ROOT / "scripts" / "seeded_nets.py"))
    monkeypatch.setitem(script["run"].__globals__, "_verdict", verdict)
    code: int = script["run"](Namespace(nets=["any"], dtype="int8/int8/int32"))
    return code


@pytest.mark.parametrize(("second", "code"), [(WORKS, 0), (WRONG, 1), (REJECTED, 0)])
def test_seeds_must_agree(monkeypatch: pytest.MonkeyPatch, second: str, code: int) -> None:
    assert exit_code(monkeypatch, second, spread=0.5) == code


@pytest.mark.parametrize("second", [WORKS, REJECTED])
def test_nets_must_differ_whether_they_ran_quantized_or_not(
    monkeypatch: pytest.MonkeyPatch, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, second, spread=1e-4) == 1
    assert "0.0%" in capsys.readouterr().out
