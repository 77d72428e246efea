"""Run the cases of docs/gallery again: what each prints goes into README.md there, its page beside.

examples:
  %(prog)s                     all of them
  %(prog)s hard_swish          one, or several
  %(prog)s --no-relax          not on Relax: the index keeps what it says of that
  %(prog)s --index             write the index of README.md anew, and run nothing

The README's commands are what runs. The counterpart of each case in relax_cases.py then runs on
Relax, at the same dtype. What both came to is written to index.json, and the README's index is made
of that. Paths of this machine are left out of what is written. Two cases run at a time.

exit code: 0 done; 1 a case could not be run; 2 bad usage.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from tvmq_diag.results.run import Role

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "docs" / "gallery"
README = GALLERY / "README.md"
INDEX = GALLERY / "index.json"

_CASE = re.compile(
    r"<!-- case: (?P<name>\w+): (?P<what>.*?) -->\n+"
    r"```bash\n(?P<command>.*?)```\n+```text\n(?P<output>.*?)```",
    flags=re.DOTALL,
)
_TABLE = re.compile(r"(?<=<!-- index -->\n).*?(?=<!-- end of index -->)", flags=re.DOTALL)
_UPSTREAM = re.compile(r"^## (?:#(\d+) )?", flags=re.MULTILINE)
_COULD_NOT_RUN = (2, 3, 130)
"""Exit codes of trace_quantize.py that are no verdict."""
_FIELDS_OF_RELAX = ("nbit", "nbit_input", "nbit_weight")
_PASSES = ("Partition", "Annotate", "Calibrate", "Realize")
_NO_PASS = "none"


class CouldNotRun(Exception):
    """A command came to no verdict."""


def cases(text: str) -> dict[str, tuple[str, str]]:
    """The commands of each case in a README, and what the last of them printed."""
    return {case["name"]: (case["command"], case["output"]) for case in _CASE.finditer(text)}


def options(command: str) -> list[str]:
    """The options of a case's trace_quantize.py, without where its run goes."""
    words = _lines(command)[0][2:]
    if "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    return words


def run(command: str, out: Path) -> str:
    """Run a case into a folder that is not there yet; returns what it printed, without the path.

    The first of its commands makes the run, which the next, if there is one, calls runs/NAME.
    Raises CouldNotRun when it came to no verdict.
    """
    first, *others = _lines(command)
    printed = _printed([first[0], first[1], *options(command), "--out", str(out)])
    for words in others:
        printed = _printed([re.sub(r"^runs/\w+", str(out), word) for word in words])
    lines = [line.rstrip() for line in printed.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("report: ")) + "\n"


def on_relax(name: str, command: str, out: Path) -> str:
    """What the case's counterpart comes to on Relax, in a few words; "not applicable: …" else.

    Raises CouldNotRun when it came to no verdict.
    """
    reason = _not_applicable().get(name)
    if reason:
        return f"not applicable: {reason}"
    _printed(["python", "scripts/trace_quantize.py", *relax_options(command), "--out", str(out)])
    return _short(_verdict(out))


def relax_options(command: str) -> list[str]:
    """A case's options on Relax: dtypes, bits and processor are those on Relay; the rest Relay's.

    One pipeline, the one that tvm.compile takes by default.
    """
    given = options(command)
    values = dict(pairwise(given))
    dtypes, *fields = values["--dtype"].split(":")
    kept = [field for field in fields if field.split("=")[0] in _FIELDS_OF_RELAX]
    words = ["--tvm", "relax", "--model", values["--model"].replace("/cases.py", "/relax_cases.py")]
    words += ["--dtype", ":".join([dtypes, "pipeline=default", *kept]), "--no-reference"]
    return words + (["--mcpu", values["--mcpu"]] if "--mcpu" in values else [])


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


def index(text: str, entries: dict[str, dict[str, Any]]) -> str:
    """A README's index as Markdown, by the pass that a case's verdict names."""
    rows = sorted(_rows(text, entries), key=lambda row: _place(row[0]))
    lines = [
        "| pass | case | upstream | what goes wrong | Relax |",
        "| --- | --- | --- | --- | --- |",
    ]
    for group, members in groupby(rows, key=lambda row: row[0]):
        shown = f"**{group}**"
        for _, *cells in members:
            lines.append(f"| {' | '.join([shown, *cells])} |")
            shown = ""
    return "\n".join(lines) + "\n"


def write_index() -> None:
    """Make the index in README.md of what is in index.json."""
    text = README.read_text(encoding="utf-8")
    table = index(text, json.loads(INDEX.read_text(encoding="utf-8")))
    README.write_text(_TABLE.sub(lambda _: table, text), encoding="utf-8")


def _lines(command: str) -> list[list[str]]:
    joined = command.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.strip()]


def _printed(words: list[str]) -> str:
    words = [sys.executable, *words[1:]]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True
    )
    if done.returncode in _COULD_NOT_RUN:
        message = f"{shlex.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}"
        raise CouldNotRun(message)
    return done.stdout


def _not_applicable() -> dict[str, str]:
    """NOT_APPLICABLE of relax_cases.py, which only a TVM with Relax can import."""
    tree = ast.parse((GALLERY / "relax_cases.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NOT_APPLICABLE":
            return dict(ast.literal_eval(node.value))
    raise ValueError("relax_cases.py has no NOT_APPLICABLE")


def _verdict(out: Path) -> dict[str, Any]:
    """The verdict on what was asked for."""
    verdicts = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    (verdict,) = (verdict for verdict in verdicts if verdict["role"] == Role.REQUESTED.value)
    return dict(verdict)


def _short(verdict: dict[str, Any]) -> str:
    """A verdict in a few words: the outcome, and where, or how near to the float model."""
    outcome, op = verdict["outcome"], verdict["op"]
    cosine = (verdict["metrics"] or {}).get("cosine")
    if outcome == "works":
        return "works"
    if outcome == "wrong":
        return "wrong" if cosine is None else f"wrong: cosine {cosine:.2f}"
    if outcome == "not quantized":
        return f"not quantized: {verdict['reason']}"
    words = [outcome]
    if verdict["pass"]:
        words.append(f"{'in' if outcome == 'crashed' else 'by'} {verdict['pass']}")
    if op:
        words.append(f"at {op['name']}")
    return f"{' '.join(words)}: {verdict['message']}"


def _entry(out: Path) -> dict[str, Any]:
    """What index.json has of a run."""
    verdict = _verdict(out)
    return {name: verdict[name] for name in ("configuration", "outcome", "stage", "pass")}


def _rows(text: str, entries: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Of each case its pass, and the other cells of its row."""
    for case in _CASE.finditer(text):
        name = case["name"]
        if name not in entries:  # never run
            continue
        entry = entries[name]
        (*_, upstream) = _UPSTREAM.findall(text[: case.start()])
        link = f"[#{upstream}](https://github.com/apache/tvm/issues/{upstream})"
        yield [
            entry["pass"] or _NO_PASS,
            f"[{name}]({name}/index.html)",
            link if upstream else "none found",
            case["what"],
            entry["relax"].replace("|", "\\|"),
        ]


def _place(name: str) -> int:
    """The quantizer's passes first, then those of the build; what names none comes last."""
    order = [f"Quantize{part}" for part in _PASSES]
    return order.index(name) if name in order else len(order) + (name == _NO_PASS)


def _shown(out: Path) -> Callable[[str], str]:
    """A function that takes what names a place on this machine out of a text."""
    python = json.loads((out / "run.json").read_text(encoding="utf-8"))["python"]
    environment = Path(python).parent.parent
    places = {f"{out}/": "", str(out): ".", python: "python", f"{environment}/": ""}
    places |= {f"{ROOT}/": "", str(ROOT): "."}

    def shown(text: str) -> str:
        for place, instead in places.items():
            text = text.replace(place, instead)
        return text

    return shown


def _measured(name: str, command: str, relax: bool) -> tuple[str, dict[str, Any]]:
    """Run one case and keep its page; returns what it printed, and what goes into index.json."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        printed = run(command, out)
        keep(out, GALLERY / name)
        entry = _entry(out)
        if relax:
            entry["relax"] = on_relax(name, command, Path(folder) / "relax")
    return printed, entry


def _write(name: str, recorded: str, now: str, entry: dict[str, Any]) -> None:
    """Put what a case printed into README.md, and what it came to into index.json."""
    text = README.read_text(encoding="utf-8")
    before, marker, rest = text.partition(f"<!-- case: {name}:")
    rest = rest.replace(f"```text\n{recorded}```", f"```text\n{now}```", 1)
    README.write_text(before + marker + rest, encoding="utf-8")
    entries = json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.exists() else {}
    entries[name] = {"relax": "not tried", **entries.get(name, {}), **entry}
    INDEX.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _all_of(chosen: dict[str, tuple[str, str]], relax: bool) -> list[str]:
    """Run cases, and write down each when it is done; returns those that could not be run."""
    failed = []
    with ThreadPoolExecutor(2) as pool:
        names = {
            pool.submit(_measured, name, command, relax): name
            for name, (command, _) in chosen.items()
        }
        for future in as_completed(names):
            name = names[future]
            try:
                now, entry = future.result()
            except CouldNotRun as error:
                failed.append(name)
                print(f"{name}: {error}", file=sys.stderr, flush=True)
                continue
            recorded = chosen[name][1]
            _write(name, recorded, now, entry)
            print(f"{name}: {'the same' if now == recorded else 'another text'}", flush=True)
    return failed


def main() -> int:
    """Run the cases asked for; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", nargs="*", help="all of them, without any")
    parser.add_argument("--no-relax", action="store_true", help="only on Relay")
    parser.add_argument("--index", action="store_true", help="only the index")
    arguments = parser.parse_args()
    all_cases = cases(README.read_text(encoding="utf-8"))
    unknown = [name for name in arguments.case if name not in all_cases]
    if unknown:
        parser.error(f"no case {unknown[0]!r}: there are {', '.join(all_cases)}")
    names = [] if arguments.index else arguments.case or list(all_cases)
    failed = _all_of({name: all_cases[name] for name in names}, not arguments.no_relax)
    write_index()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
