"""TVM's TopHub: schedules that a build downloads for some targets, in the middle of it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ...tvm_types import Target


def location() -> str | None:
    """Where this process looks for it; "NONE": nowhere, None: at TVM's own address."""
    return os.environ.get("TOPHUB_LOCATION")


def package(target: Target) -> str | None:
    """The file that there is for a target; None without one.

    As tophub.context chooses it (python/tvm/autotvm/tophub.py): by the target's device, keys, kind.
    """
    with contextlib.suppress(Exception):  # another TVM may keep it otherwise
        from tvm.autotvm import tophub

        versions: Any = tophub.PACKAGE_VERSION
        names = [str(target.attrs.get("device", "")), *map(str, target.keys), str(target.kind.name)]
        for name in filter(None, names):
            name = tophub._alias(name)
            if name in versions:
                return f"{name}_{versions[name]}.log"
    return None
