"""Which TVM an interpreter has, told by its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.fake_tvm import RELAX_TVM, python_with_tvm, silent

from tvmq_diag.errors import SetupError
from tvmq_diag.toolchains import identity
from tvmq_diag.toolchains.resolution import resolve
from tvmq_diag.toolchains.toolchain import Toolchain


def test_an_identity_changes_when_a_file_of_tvm_does(tmp_path: Path) -> None:
    chain = resolve(tvm_python=python_with_tvm(tmp_path, RELAX_TVM), echo=silent)
    first = identity.identify(chain)
    assert first.version == "0.27.0" and first.ffi is None
    file = tmp_path / "site" / "tvm" / "relax" / "__init__.py"
    os.utime(file, ns=(0, first.newest_file_ns + 1))
    assert identity.identify(chain).newest_outside_quantizer_ns > first.newest_file_ns


def test_the_identity_of_no_tvm_says_why(tmp_path: Path) -> None:
    python = python_with_tvm(tmp_path, {"__init__.py": "raise OSError('no libtvm.so')"})
    with pytest.raises(SetupError, match=r"does not say which TVM it has: OSError: no libtvm"):
        identity.identify(Toolchain("mine", python))
