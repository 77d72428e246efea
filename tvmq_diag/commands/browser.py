"""A page opened in the person's browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from ..reports.text.console import print_plain

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""One of them is set on Linux where a window can be shown; a browser without one takes the
terminal."""


def opening(wanted: bool, progress: Console) -> Callable[[Path], None]:
    """What opens a page, if that is wanted, and says on `progress` where it cannot."""

    def show(page: Path) -> None:
        if wanted and not _opened(page):
            print_plain(progress, f"no browser is found here; the page is {page}")

    return show


def _opened(page: Path) -> bool:
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _SCREENS):
        return False
    try:
        return webbrowser.open(page.resolve().as_uri())
    except (OSError, webbrowser.Error):
        return False
