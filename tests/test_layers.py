"""The house's walls, read off the imports: who may know whom, and how big a room may be.

docs/architecture.md says why. A rule is a function from the modules of a checkout to sentences that
say what breaks it, so that each is tried on a checkout that breaks it on purpose too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from support.paths import ROOT, is_link

TOPS = ("tvmq_diag", "instruments", "reports")
MAX_LINES = 400
MAX_CLASS_LINES = 200
MIN_ROOMS = 3

READING = ("trace", "measurements", "results", "analysis", "comparison", "history")
"""The wings that work on what is on disk."""

FLOORS = (
    ("errors", "decoding", "extensions"),
    ("decoding",),
    ("foreign",),
    ("instruments.protocol",),
    ("targets",),
    ("configuration",),
    ("trace",),
    ("measurements",),
    ("results",),
    ("analysis",),
    ("comparison",),
    ("history",),
    ("toolchains",),
    ("driver",),
    ("doctor",),
    ("reports",),
    ("front_door",),
    ("commands",),
)
"""From the ground up: a wing imports its own modules and those of the floors below it."""

IMPORTERS = (
    "instruments.inputs",
    "instruments.relay.compile",
    "instruments.relax.compile",
    "instruments.tasks.eager",
)
"""Where a model comes from, and where PyTorch itself is timed: only they may import these."""
FRAMEWORKS = ("torch", "torchvision", "onnx", "tflite", "PIL")
RUNTIME = ("numpy", "tvm", "tvm_ffi")


@dataclass(frozen=True)
class Module:
    """A file of the house. `name` is dotted, from the root: `reports.text.terminal`."""

    name: str
    source: str
    package: bool

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def imports(self) -> Iterator[str]:
        """What it imports, dotted; of this project's own without the `tvmq_diag.` of a link."""
        for node in self._nodes(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def _nodes(self, node: ast.AST) -> Iterator[ast.AST]:
        """All but what is there for a type checker only."""
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        yield node
        for child in ast.iter_child_nodes(node):
            yield from self._nodes(child)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return _unlinked(node.module or "")
        here = self.name.split(".")
        own = "tvmq_diag." if here[0] != "tvmq_diag" else ""
        up = node.level - (1 if self.package else 0)
        parts = f"{own}{self.name}".split(".")
        kept = parts[: len(parts) - up]
        return _unlinked(
            ".".join([*kept, *((node.module or "").split(".") if node.module else [])])
        )


def _unlinked(name: str) -> str:
    head, _, rest = name.partition(".")
    linked = head == "tvmq_diag" and rest.split(".")[0] in ("instruments", "reports")
    return rest if linked else name


def modules(root: Path) -> list[Module]:
    """All modules of a checkout, the links inside tvmq_diag left out."""
    result = []
    for top in TOPS:
        for path in sorted((root / top).rglob("*.py")):
            if is_link(path.relative_to(root)):
                continue
            parts = list(path.relative_to(root).with_suffix("").parts)
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            result.append(Module(name, path.read_text(encoding="utf-8"), package))
    return result


def wing(name: str) -> str:
    """The wing of a module: `trace` of tvmq_diag.trace.journal, `reports`, `instruments.inputs`."""
    parts = name.split(".")
    if parts[0] == "tvmq_diag":
        return parts[1] if len(parts) > 1 else "tvmq_diag"
    if parts[0] == "instruments":
        return ".".join(parts[:2])
    return parts[0]


def _inside(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


Rule = Callable[[list[Module]], Iterator[str]]


def floors_are_kept(house: list[Module]) -> Iterator[str]:
    """No wing of tvmq_diag, nor reports, imports one above it."""
    height = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    for module in house:
        mine = wing(module.name)
        if mine not in height or mine.startswith("instruments"):
            continue
        for name in module.imports:
            theirs = wing(name)
            if theirs != mine and height.get(theirs, -1) > height[mine]:
                yield f"{module.name} imports {name}, which is above it"


def reading_starts_no_process(house: list[Module]) -> Iterator[str]:
    """Reading a run, judging it, comparing it needs no uv and starts nothing."""
    for module in house:
        if wing(module.name) in READING:
            for name in module.imports:
                if name.split(".")[0] in ("subprocess", "uv", "multiprocessing"):
                    yield f"{module.name} imports {name}: reading starts no process"


def only_the_protocol_is_shared(house: list[Module]) -> Iterator[str]:
    """Of what runs inside TVM, tvmq_diag knows the protocol, and reports not even that."""
    for module in house:
        for name in module.imports:
            if not name.startswith("instruments"):
                continue
            if module.name.startswith("reports"):
                yield f"{module.name} imports {name}: take it from tvmq_diag"
            elif module.name.startswith("tvmq_diag") and not _protocol(name):
                yield f"{module.name} imports {name}: only instruments.protocol is shared"


def _protocol(name: str) -> bool:
    return _inside(name, ("instruments.protocol",))


def the_inside_is_independent(house: list[Module]) -> Iterator[str]:
    """What runs inside TVM imports the standard library, numpy, tvm; a framework for a model."""
    for module in house:
        if not module.name.startswith("instruments"):
            continue
        for name in module.imports:
            head = name.split(".")[0]
            if head == "instruments" or head in sys.stdlib_module_names:
                continue
            if module.name == "instruments.pytest_recorder" and head == "pytest":
                continue  # which starts it
            if _protocol(module.name):
                yield f"{module.name} imports {name}: the protocol is standard library only"
            elif head in FRAMEWORKS and not _inside(module.name, IMPORTERS):
                yield f"{module.name} imports {name}: only what imports models does"
            elif head not in (*RUNTIME, *FRAMEWORKS) and not _asks_for_the_front_door(module, name):
                yield f"{module.name} imports {name}: not to be had in every TVM's environment"


def _asks_for_the_front_door(module: Module, name: str) -> bool:
    return module.name == "instruments.quantize_trace" and name.split(".")[0] == "tvmq_diag"


def reports_draw_what_was_read(house: list[Module]) -> Iterator[str]:
    """A page is made from a run on disk, on a machine that could not make the run."""
    for module in house:
        if module.name.startswith("reports"):
            for name in module.imports:
                if wing(name) in ("toolchains", "driver", "commands"):
                    yield f"{module.name} imports {name}: a page starts nothing"


def reports_are_wanted_by_commands_only(house: list[Module]) -> Iterator[str]:
    """Nobody draws on the side."""
    for module in house:
        if module.name.startswith("tvmq_diag") and wing(module.name) not in (
            "commands",
            "front_door",
        ):
            for name in module.imports:
                if name.split(".")[0] == "reports":
                    yield f"{module.name} imports {name}: only commands and the front door draw"


def nothing_goes_in_circles(house: list[Module]) -> Iterator[str]:
    """No module imports one that imports it, in however many steps."""
    names = {module.name for module in house}
    edges = {m.name: {_module(name, names) for name in m.imports} - {None, m.name} for m in house}
    state: dict[str, int] = {}

    def visit(name: str, path: list[str]) -> Iterator[str]:
        state[name] = 1
        for other in sorted(str(edge) for edge in edges.get(name, ())):
            if state.get(other) == 1:
                circle = [*path[path.index(other) :], other] if other in path else [name, other]
                yield f"a circle of imports: {' → '.join(circle)}"
            elif other not in state:
                yield from visit(other, [*path, other])
        state[name] = 2

    for name in sorted(edges):
        if name not in state:
            yield from visit(name, [name])


def _module(name: str, names: set[str]) -> str | None:
    """The module that an imported name is, or is of; a package's face is none."""
    if name in names:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in names else None


def rooms_are_rooms(house: list[Module]) -> Iterator[str]:
    """One idea a module, and no folder for one or two of them."""
    folders: dict[str, int] = {}
    for module in house:
        lines = module.source.count("\n")
        if lines > MAX_LINES:
            yield f"{module.name} has {lines} lines"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > MAX_CLASS_LINES:
                    yield f"{module.name}.{node.name} has {size} lines"
        folder = module.name if module.package else module.name.rpartition(".")[0]
        folders[folder] = folders.get(folder, 0) + (not module.package)
        parent = folder.rpartition(".")[0]
        if module.package and parent:
            folders[parent] = folders.get(parent, 0) + 1
    for folder, rooms in folders.items():
        if rooms < MIN_ROOMS:
            yield f"the folder {folder} has {rooms} rooms"


RULES: list[Rule] = [
    floors_are_kept,
    reading_starts_no_process,
    only_the_protocol_is_shared,
    the_inside_is_independent,
    reports_draw_what_was_read,
    reports_are_wanted_by_commands_only,
    nothing_goes_in_circles,
    rooms_are_rooms,
]


@pytest.fixture(scope="module")
def house() -> list[Module]:
    return modules(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_walls(rule: Rule, house: list[Module]) -> None:
    assert list(rule(house)) == []


def _file(name: str, source: str) -> Module:
    return Module(name, source, package=False)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        (floors_are_kept, _file("tvmq_diag.trace.x", "from ..analysis import judge")),
        (floors_are_kept, _file("tvmq_diag.analysis.x", "from ..driver.plan import Plan")),
        (
            reports_draw_what_was_read,
            _file("reports.pages.x", "from tvmq_diag.toolchains import probe"),
        ),
        (reading_starts_no_process, _file("tvmq_diag.results.x", "def f():\n    import uv")),
        (reading_starts_no_process, _file("tvmq_diag.comparison.x", "from subprocess import run")),
        (
            only_the_protocol_is_shared,
            _file("tvmq_diag.driver.x", "from ..instruments.matrix import operands"),
        ),
        (
            only_the_protocol_is_shared,
            _file("tvmq_diag.driver.x", "import tvmq_diag.instruments\nfrom instruments import x"),
        ),
        (
            only_the_protocol_is_shared,
            _file("reports.views.x", "from tvmq_diag.instruments.protocol.schema import STAGES"),
        ),
        (the_inside_is_independent, _file("instruments.recording.x", "import torch")),
        (the_inside_is_independent, _file("instruments.tasks.x", "from tvmq_diag import errors")),
        (the_inside_is_independent, _file("instruments.relay.ir.x", "import networkx")),
        (the_inside_is_independent, _file("instruments.protocol.x", "import numpy")),
        (
            reports_are_wanted_by_commands_only,
            _file("tvmq_diag.driver.x", "from ..reports.pages import page"),
        ),
        (rooms_are_rooms, _file("tvmq_diag.trace.x", "x = 1\n" * 401)),
        (rooms_are_rooms, _file("tvmq_diag.trace.x", "class X:\n" + "    x = 1\n" * 201)),
        (rooms_are_rooms, _file("tvmq_diag.alone.x", "")),
    ],
)
def test_a_wall_that_is_broken_is_named(rule: Rule, broken: Module, house: list[Module]) -> None:
    assert set(rule([*house, broken])) - set(rule(house))


def test_a_circle_is_named() -> None:
    circle = [
        _file("tvmq_diag.trace.x", "from . import y"),
        _file("tvmq_diag.trace.y", "from .z import Z"),
        _file("tvmq_diag.trace.z", "from ..trace.x import X"),
    ]
    assert len(list(nothing_goes_in_circles(circle))) == 1
    assert list(nothing_goes_in_circles(circle[:2])) == []


def test_links_and_relative_names_are_followed() -> None:
    module = _file("reports.views.x", "from tvmq_diag.trace import y\nfrom ..figures.svg import Z")
    assert list(module.imports) == ["tvmq_diag.trace.y", "reports.figures.svg.Z"]
    inside = _file("instruments.relay.ir.x", "from ...diagnosis import y")
    assert list(inside.imports) == ["instruments.diagnosis.y"]
    face = Module("instruments.relay", "from .ir import y", package=True)
    assert list(face.imports) == ["instruments.relay.ir.y"]
