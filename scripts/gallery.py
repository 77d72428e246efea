"""Run the cases of docs/gallery again: what each prints goes into README.md there, its page beside.

examples:
  %(prog)s                all of them
  %(prog)s hard_swish     one, or several

The README's commands are what runs. Paths of this machine are left out of what is written.

exit code: 0 done; 1 a case could not be run; 2 bad usage.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "docs" / "gallery"

_CASE = re.compile(
    r"<!-- case: (?P<name>\w+) -->\n+```bash\n(?P<command>.*?)```\n+```text\n(?P<output>.*?)```",
    flags=re.DOTALL,
)
_COULD_NOT_RUN = (2, 3, 130)
"""Exit codes of trace_quantize.py that are no verdict."""


def cases(text: str) -> dict[str, tuple[str, str]]:
    """The command of each case in a README, and what it printed."""
    return {case["name"]: (case["command"], case["output"]) for case in _CASE.finditer(text)}


def run(command: str, out: Path) -> str:
    """Run a case into a folder that is not there yet; returns what it printed, without the path.

    Raises SystemExit when it came to no verdict.
    """
    words = [sys.executable, *shlex.split(command.replace("\\\n", " "))[1:], "--out", str(out)]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True
    )
    if done.returncode in _COULD_NOT_RUN:
        sys.exit(f"{shlex.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("report: ")) + "\n"


def keep(out: Path, folder: Path) -> None:
    """Copy a run's page, and the files that it links to, with no path of this machine in them."""
    shown = _shown(out)
    page = shown((out / "index.html").read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "index.html").write_text(page, encoding="utf-8")
    for link in sorted(set(re.findall(r'href="([^"#:]+)"', page))):
        if (out / link).is_file():
            (folder / link).parent.mkdir(parents=True, exist_ok=True)
            text = (out / link).read_text(encoding="utf-8")
            (folder / link).write_text(shown(text), encoding="utf-8")


def _shown(out: Path) -> Callable[[str], str]:
    """A function that takes what names a place on this machine out of a text."""
    python = json.loads((out / "run.json").read_text(encoding="utf-8"))["python"]
    places = {f"{out}/": "", str(out): ".", python: "python", f"{ROOT}/": "", str(ROOT): "."}

    def shown(text: str) -> str:
        for place, instead in places.items():
            text = text.replace(place, instead)
        return text

    return shown


def main() -> int:
    """Run the cases asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", nargs="*", help="all of them, without any")
    requested = parser.parse_args().case
    readme = GALLERY / "README.md"
    all_cases = cases(readme.read_text(encoding="utf-8"))
    unknown = [name for name in requested if name not in all_cases]
    if unknown:
        parser.error(f"no case {unknown[0]!r}: there are {', '.join(all_cases)}")
    for name in requested or all_cases:
        command, recorded = all_cases[name]
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / name
            now = run(command, out)
            keep(out, GALLERY / name)
        text = readme.read_text(encoding="utf-8")
        before, marker, rest = text.partition(f"<!-- case: {name} -->")
        rest = rest.replace(f"```text\n{recorded}```", f"```text\n{now}```", 1)
        readme.write_text(before + marker + rest, encoding="utf-8")
        print(f"{name}: {'the same' if now == recorded else 'another text'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
