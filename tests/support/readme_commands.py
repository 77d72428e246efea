"""Print a command of the README, so that CI runs the very lines a reader is told to run.

`python3 tests/support/readme_commands.py tests` prints the body of the ```bash block that directly
follows the line `<!-- command: tests -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent.parent / "README.md"


def command(text: str, name: str) -> str:
    """Return the block called ``name``. Raise ValueError unless there is exactly one."""
    marked = rf"^<!-- command: {re.escape(name)} -->\n+```bash\n(.*?)^```$"
    blocks = re.findall(marked, text, flags=re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        raise ValueError(f"README.md has {len(blocks)} commands called {name!r}, not one")
    return str(blocks[0])


if __name__ == "__main__":
    print(command(README.read_text(encoding="utf-8"), sys.argv[1]), end="")
