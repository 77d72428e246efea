"""The folder for what is made once and kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder of this tool: an absolute path that need not exist yet.

    $TVMQ_DIAG_CACHE, else $XDG_CACHE_HOME/tvmq_diag, else ~/.cache/tvmq_diag.
    """
    own = os.environ.get("TVMQ_DIAG_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "tvmq_diag"
