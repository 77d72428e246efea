"""What TVM's C++ warns of: LOG(WARNING) goes to stderr, and a process's output is kept.

The form is that of src/runtime/logging.cc, LogMessageImpl: `[12:00:00] /…/file.cc:12: Warning: …`.
"""

from __future__ import annotations

import re
from pathlib import Path

from .. import foreign
from .events import Warned
from .layout import OUTPUT

_LINE = re.compile(r"^\[\d\d:\d\d:\d\d\] (\S+?):(\d+): (?:Warning|WARNING): (.+)$", re.M)
_BYTES = 1 << 20
_LONGEST, _MOST = 500, 100


def warnings(folder: Path) -> list[Warned]:
    """The warnings in the output kept in a trace's folder, each text of a line once.

    Empty where no output was kept, as of somebody's own script.
    """
    try:
        with foreign.inside(folder, OUTPUT).open("rb") as file:
            output = file.read(_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):  # there is none, or something else in its place
        return []
    lines = dict.fromkeys(_LINE.findall(output))
    return [Warned(text=text[:_LONGEST], file=file, line=int(line)) for file, line, text in lines][
        :_MOST
    ]
