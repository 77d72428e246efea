"""Where cells are run: what this machine and a cluster have in common."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Protocol

from .cell import Answer, Task
from .maker import Maker


class Workplace(Protocol):
    """Somewhere that has, or fetches, TVMs and runs cells on them, several at a time."""

    def maker(self, tvm: str, python: str | None) -> Maker:
        """What cells of this TVM are made by there. Raises UsageError, SetupError."""
        ...

    def answers(
        self, tasks: Mapping[str, Task], makers: Mapping[str, Maker]
    ) -> Generator[tuple[str, Answer], None, None]:
        """The answer to each task by its key, exactly one, as they come. `makers` are those that
        the keys were made for. To close the iterator ends, or gives up, what is not done."""
        ...

    def close(self) -> None:
        """Leave it."""
        ...
