"""The stack of this process: TVM's passes go down a module one call in another."""

from __future__ import annotations

import contextlib
import resource

MIB = 120
"""What the main thread's stack may grow to. Linux keeps 128 MiB free for it, whatever the limit was
when the process began (arch/x86/mm/mmap.c, mmap_base); other threads keep theirs."""


def deepen() -> None:
    """Let the stack grow to MIB, unless it may grow further already or nobody may change that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = MIB << 20
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))


def mib() -> float | None:
    """What it may grow to, in MiB; None without a limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return None if soft == resource.RLIM_INFINITY else soft / 2**20
