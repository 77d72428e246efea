"""What the site has that is written nowhere in docs/: each command's help, and the patches.

mkdocs calls the functions by their names (mkdocs.org, "hooks"). The help is what argparse prints,
so that a page cannot say anything else; the diffs that the gallery leads to stay where the tool
reads them from.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["COLUMNS"] = "96"  # how wide argparse writes

from tvmq_diag.commands import cli  # noqa: E402

PATCHES = "tvmq_diag/analysis/patches"
COMMANDS = "reference/commands.md"
HERE = "<!-- commands -->"


def on_files(files: Files, config: Any) -> Files:
    """The diffs, as files of the gallery."""
    for diff in sorted((ROOT / PATCHES).glob("*.diff")):
        files.append(File.generated(config, f"gallery/patches/{diff.name}", abs_src_path=str(diff)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to the diffs lead to where the site has them; the commands go where they belong."""
    if page.file.src_uri == COMMANDS:
        return markdown.replace(HERE, "\n".join(_section(name) for name in cli.COMMANDS))
    return markdown.replace(f"../../{PATCHES}/", "patches/")


def _section(name: str) -> str:
    """A command: its first line, what else it says of itself, its options."""
    parser = cli.parser_of(name)
    told = (parser.description or "").replace("%(prog)s", parser.prog)
    summary, _, rest = told.strip().partition("\n")
    parser.description = None
    usage, _, options = parser.format_help().partition("\n\n")
    blocks = [usage, rest.strip(), options.strip()]
    fenced = "\n\n".join(f"```text\n{block}\n```" for block in blocks if block)
    return f"## {name}\n\n{summary}\n\n{fenced}\n"
