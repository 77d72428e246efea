"""A patched copy of a TVM: what runs is the copy, and the installed one stays as it is."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import msgspec
import pytest

from tvmq_diag.commands import ab, cli
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.results import store
from tvmq_diag.toolchains import identity, overlay, resolution
from tvmq_diag.toolchains.toolchain import Toolchain

SCALE = (
    """\
--- a/python/tvm/relay/quantize/_calibrate.py
+++ b/python/tvm/relay/quantize/_calibrate.py
@@ -182,3 +182,3 @@
     val = np.amax(np.abs(var.data.numpy()))
-    return 2 ** np.math.ceil(np.math.log(val, 2)) if val > 0 else 1.0
+    return 2 ** np.math.floor(np.math.log(val, 2)) if val > 0 else 1.0
"""
    + " \n"
)  # an empty line behind it: git takes a hunk that ends in a change for the file's end

TEST_TOO = """\
--- a/tests/python/relay/test_pass_auto_quantize.py
+++ b/tests/python/relay/test_pass_auto_quantize.py
@@ -1,1 +1,1 @@
-there is no such file
+in an installed TVM
"""


def content(package: Path) -> dict[str, str]:
    """The hash of every file, what Python compiled too."""
    return {
        str(path.relative_to(package)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(package.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def package(relay: Toolchain) -> Path:
    return Path(identity.identify(relay).package)


def patched(relay: Toolchain, folder: Path, diff: str) -> Toolchain:
    (folder / "p.diff").write_text(diff)
    return overlay.patched(relay, folder / "p.diff", folder / "overlay")


@pytest.mark.parametrize("prefix", ["python/tvm", "tvm", "usr/lib/site-packages/tvm"])
def test_what_runs_is_the_copy(
    relay: Toolchain, package: Path, tmp_path: Path, prefix: str
) -> None:
    made = patched(relay, tmp_path, SCALE.replace("python/tvm", prefix))
    code = "import inspect, tvm.relay.quantize._calibrate as c; print(inspect.getsource(c))"
    done = subprocess.run(
        [str(made.python), "-c", code], env=made.environment, capture_output=True, text=True
    )
    assert "np.math.floor" in done.stdout, done.stderr
    assert "np.math.floor" not in (package / "relay/quantize/_calibrate.py").read_text()


def test_tests_in_the_diff_are_left_out(relay: Toolchain, tmp_path: Path) -> None:
    made = patched(relay, tmp_path, TEST_TOO + SCALE)
    assert made.overlay is not None and [p.name for p in made.overlay.iterdir()] == ["tvm"]


def test_inside_a_checkout_it_is_applied_too(relay: Toolchain, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    made = patched(relay, tmp_path, SCALE)
    assert made.overlay is not None
    text = (made.overlay / "tvm/relay/quantize/_calibrate.py").read_text()
    assert "np.math.floor" in text


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        ("hello", "is no unified diff"),
        (SCALE.replace("val = np.amax", "val = np.amin"), "does not fit this TVM"),
        (SCALE.replace("_calibrate.py", "_nowhere.py"), "does not fit this TVM"),
        (SCALE.replace("python/tvm/relay/quantize/_calibrate.py", "src/relay/x.cc"), "compiled"),
        (TEST_TOO, "to no file of TVM's Python package"),
    ],
)
def test_a_diff_that_cannot_be_applied(
    relay: Toolchain, tmp_path: Path, diff: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        patched(relay, tmp_path, diff)


def test_a_patch_is_compared_and_the_installed_tvm_is_untouched(
    relay: Toolchain, package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(package)
    (tmp_path / "p.diff").write_text(SCALE)
    out = tmp_path / "out"
    arguments = ["--patch", str(tmp_path / "p.diff"), "--model", "tiny", "--dtype", "int4"]
    assert cli.script(ab, [*arguments, "--no-reference", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "first difference: QuantizeCalibrate: all 3 simulated_quantize(weight): "
        "scale 0.00390625 -> 0.00195312, at nn.conv2d #7"
    )
    assert content(package) == before
    assert "patched with" in (out / "index.html").read_text()
    facts = store.load(out / "after").facts
    again = resolution.of_run(facts, print)  # `tvmq-diag reduce` goes on with the patched one
    assert again.overlay == out / overlay.FOLDER
    with pytest.raises(SetupError, match="is gone"):
        resolution.of_run(msgspec.structs.replace(facts, overlay=str(tmp_path / "gone")), print)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give two TVMs"),
        (["--tvm", "relay"], "give two TVMs"),
        (["--tvm", "relay", "--tvm", "relax", "--patch", "x"], "for one TVM"),
        (["--patch", "nowhere.diff"], "nowhere.diff: No such file"),
        (["--tvm", "relay", "--tvm", "relay", "--allow", "all"], "is none of"),
    ],
)
def test_bad_usage_is_one_line(
    relay: Toolchain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.script(ab, ["--model", "tiny", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
