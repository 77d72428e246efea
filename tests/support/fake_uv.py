"""A uv that is a small script, for what we do with what uv says. No network."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fake_tvm import RELAY_TVM, python_with_tvm, script
from tvmq_diag.toolchains import uv_settings


class FakeUv:
    """A uv that copies an interpreter, keeps its arguments, and does what it is told to while
    creating an environment, planning (`--dry-run`) and installing."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.calls = directory / "calls"
        self.program = directory / "uv"
        python_with_tvm(directory, RELAY_TVM)
        self.directory = directory
        self.on("true", "true")

    @classmethod
    def instead(cls, directory: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
        """One in `directory`, which is created, that is found instead of the real one."""
        fake = cls(directory)
        monkeypatch.setattr("uv.find_uv_bin", lambda: str(fake.program))
        monkeypatch.setattr(uv_settings, "_pip_configuration", dict)  # pip takes a second to say
        return fake

    def on(self, venv: str, install: str, plan: str = "true") -> None:
        """What the shell does in each case; `$*` are the arguments."""
        python = self.directory / "bin" / "python"
        script(
            self.program,
            f"""echo "$PYENV_VERSION|$PYTHONPATH|$*" >> "{self.calls}"
case "$*" in
venv*) for last; do :; done; {venv}; mkdir -p "$last/bin"; cp "{python}" "$last/bin/python" ;;
*--dry-run*) {plan} ;;
pip*) echo "Resolved 45 packages" >&2; {install} ;;
esac""",
        )

    def said(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def installs(self) -> list[str]:
        """The arguments of what was installed, without where and with which pins."""
        calls = [call.partition("|pip install ")[2] for call in self.said()]
        words = [call.split()[4:] for call in calls if call and "--dry-run" not in call]
        return [" ".join(Path(word).name for word in call) for call in words]
