"""A failure as one short file that imports nothing but tvm and numpy: to attach to a bug report.

A module of ops is written as Python that builds it, and one of kernels as the TVMScript that TVM
prints: its parser says nothing of what type inference refuses, and nobody builds kernels by hand.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import Any

import numpy as np
import tvm
from tvm import relax

from ...diagnosis.reduction import NotSliceable, Part
from ...tvm_types import Attrs, Call, Expr, IRModule, NDArray
from ..ir import calls as ops
from ..ir.op_table import attribute_values, plain
from ..ir.parts import Parts, is_numpy
from ..ir.walk import (
    address,
    is_call,
    is_constant,
    is_literal,
    kernel_of,
    name_of,
    tensor_of,
    type_of,
)
from ..passes import BUILD, RUN

_FILE = '''"""{what} fails on this module with: {message}

Seen with TVM {tvm}, Python {python}.
"""
{imports}

{module}
{run}
'''

_TYPE = "TensorStructInfo" if hasattr(relax, "TensorStructInfo") else "TensorType"

_NOISE = ("# ", "T.reads(", "T.writes(", "T.func_attr({")
"""What TVM's parser does not need to make the same kernel again."""

_DIES = """signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # TVM's own handler may hang
for _ in range(20):  # a corrupted heap shows when it is next used
{run}"""


@dataclasses.dataclass
class Failure:
    """What the file has to come to. `what` is a pass, BUILD or RUN; `dies` if its process does.

    BUILD and RUN compile with the `pipeline` "default" or "target".
    """

    what: str
    target: Any
    message: str
    dies: bool
    versions: dict[str, str]
    pipeline: str = "default"


def of_part(parts: Parts, part: Part, failure: Failure) -> str:
    """The file's text for a part of a module. Raises NotSliceable if there is none."""
    module = parts.module(part)
    if any(kernel_of(call) for call in Parts(module).calls):
        return _file(failure, _script(parts, part), _run(failure, "module", module))
    return _file(failure, _built(module), _run(failure, "module", module))


def of_call(call: Call, failure: Failure) -> str:
    """The file's text for a call that type inference refuses."""
    inputs: dict[int, Any] = {}

    def operand(node: Expr) -> Any:
        if isinstance(node, relax.Tuple):
            return relax.Tuple([operand(field) for field in node.fields])
        big = is_constant(node) and len(tensor_of(node).shape) > 0
        if not isinstance(node, relax.Var) and not big:
            return node
        variable = relax.Var(f"x{len(inputs)}", type_of(node))
        return inputs.setdefault(address(node), variable)

    copy = ops.with_arguments(call, [operand(argument) for argument in call.args])
    writer = _Writer()
    lines = [writer.parameter(copy) for copy in inputs.values()]
    lines.append(f"call = {writer.call(copy)}")
    return _file(failure, "\n".join(lines), "print(relax.BlockBuilder().normalize(call))")


def _file(failure: Failure, module: str, run: str) -> str:
    names = [name for name in ("ir as I", "relax as R", "tirx as T") if _used(name, module)]
    imports = "import tvm\nfrom tvm import relax"
    if re.search(r"\btvm\.", module + run) is None:
        imports = "from tvm import relax"
    if "np." in module + run:
        imports = f"import numpy as np\n{imports}"
    if names:
        imports += f"\nfrom tvm.script import {', '.join(names)}"
    if failure.dies:
        imports = f"import signal\n\n{imports}"
    return _FILE.format(
        what=failure.what,
        message=failure.message.replace("\\", "\\\\").replace('"""', "'''"),
        imports=imports,
        module=module,
        run=run,
        **failure.versions,
    )


def _used(name: str, text: str) -> bool:
    return re.search(rf"(^|[^\w.]){name[-1]}\.", text) is not None


def _run(failure: Failure, name: str, module: IRModule) -> str:
    whole = failure.what in (BUILD, RUN)
    run = _whole(failure, name, module) if whole else f"relax.transform.{failure.what}()({name})"
    if failure.dies:
        return _DIES.format(run=textwrap.indent(run, "    "))
    return run if whole else f"print({run})"


def _whole(failure: Failure, name: str, module: IRModule) -> str:
    target = f"tvm.target.Target({_target(failure)})"
    lines = [f"executable = tvm.compile({name}, target={target})"]
    if failure.pipeline == "target":
        lines = [
            f"target = {target}",
            "pipeline = relax.get_default_pipeline(target)",
            f"executable = tvm.compile({name}, target=target, relax_pipeline=pipeline)",
        ]
    if failure.what == RUN:
        inputs = ", ".join(_input(type_of(p)) for p in module["main"].params)
        lines.append(f'relax.VirtualMachine(executable, tvm.cpu())["main"]({inputs})')
    return "\n".join(lines)


def _target(failure: Failure) -> str:
    return repr(str(failure.target)) if failure.target is not None else '"llvm"'


def _input(kind: Any) -> str:
    shape, dtype = _shape(kind), str(kind.dtype)
    if is_numpy(dtype):
        return f'tvm.runtime.tensor(np.zeros({shape}, "{dtype}"))'
    return f'tvm.runtime.empty({shape}, "{dtype}")'


def _built(module: IRModule) -> str:
    """Lines that build a module of ops."""
    writer = _Writer()
    function = module["main"]
    lines = [writer.parameter(parameter) for parameter in function.params]
    names = ", ".join(name_of(parameter) for parameter in function.params)
    lines.append("builder = relax.BlockBuilder()")
    lines.append(f'with builder.function("main", [{names}]):')
    lines.append("    with builder.dataflow():")
    for binding in (b for block in function.body.blocks for b in block.bindings):
        lines.append(f"        {name_of(binding.var)} = builder.emit({writer.call(binding.value)})")
    result = writer.operand(function.body.body, False)
    lines.append(f"        result = builder.emit_output({result})")
    lines.append("    builder.emit_func_output(result)")
    lines.append("module = builder.get()")
    return "\n".join(lines)


def _script(parts: Parts, part: Part) -> str:
    """TVMScript of a module of kernels, whose weights are bound to its parameters afterwards."""
    open_part = dataclasses.replace(part, ones=False)
    module = parts.module(open_part)
    bound = {name_of(p) for p in parts.module(part)["main"].params}
    weights = [p for p in module["main"].params if name_of(p) not in bound]
    text = str(module.script(show_meta=False))
    if "metadata[" in text:
        raise NotSliceable("a constant of it cannot be written as text")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(_NOISE) and line]
    given = ", ".join(f'"{name_of(p)}": {_ones(type_of(p))}' for p in weights)
    lines.append(f'module = relax.transform.BindParams("main", {{{given}}})(Module)')
    return "\n".join(lines)


def _ones(kind: Any) -> str:
    shape, dtype = _shape(kind), str(kind.dtype)
    if is_numpy(dtype):
        return f'np.ones({shape}, "{dtype}")'
    return f'tvm.runtime.empty({shape}, "{dtype}")'


def _shape(kind: Any) -> str:
    values = getattr(getattr(kind, "shape", None), "values", None)
    if values is None or not all(isinstance(plain(size), int) for size in values):
        raise NotSliceable(f"an input of type {kind} cannot be written as Python")
    return repr(tuple(plain(size) for size in values))


class _Writer:
    """Expressions as Python."""

    def parameter(self, parameter: Any) -> str:
        """A line that makes it."""
        name, kind = name_of(parameter), type_of(parameter)
        return f'{name} = relax.Var("{name}", relax.{_TYPE}({_shape(kind)}, "{kind.dtype}"))'

    def call(self, call: Call) -> str:
        """A call, by relax.op's function for it where that makes the same one."""
        if isinstance(call, relax.TupleGetItem):
            return self.operand(call, False)
        if not is_call(call) or not isinstance(call.op, tvm.ir.Op):
            raise NotSliceable(f"a {type(call).__name__} cannot be written as Python")
        given = ops.telling(call)
        if given is not None:
            words = [self.operand(argument, True) for argument in call.args]
            words += [f"{name}={_value(value)}" for name, value in given.items()]
            return f"{ops.path_of(call)}({', '.join(words)})"
        words = [self.operand(argument, False) for argument in call.args]
        text = f'relax.Call(tvm.ir.Op.get("{call.op.name}"), [{", ".join(words)}]'
        if call.attrs is None:
            return f"{text})"
        kind = repr(call.attrs).split("(")[0]
        values = _attributes(call.attrs)
        given_text = "".join(f", {name}={_value(value)}" for name, value in values.items())
        return f'{text}, tvm.ir.make_node("{kind}"{given_text}))'

    def operand(self, node: Expr, friendly: bool) -> str:
        """What a call reads; `friendly` for a function that takes plain numbers and shapes too."""
        if isinstance(node, relax.Var):
            return name_of(node)
        if isinstance(node, relax.Tuple):
            return f"relax.Tuple([{', '.join(self.operand(f, friendly) for f in node.fields)}])"
        if isinstance(node, relax.TupleGetItem):
            return f"relax.TupleGetItem({self.operand(node.tuple_value, False)}, {node.index})"
        if is_constant(node):
            return _constant(tensor_of(node))
        if isinstance(node, relax.ShapeExpr):
            sizes = repr([plain(size) for size in node.values])
            return sizes if friendly else f"relax.ShapeExpr({sizes})"
        if is_literal(node) and isinstance(plain(node), (int, float)):
            return repr(plain(node)) if friendly else f"relax.prim_value({plain(node)!r})"
        raise NotSliceable(f"a {type(node).__name__} cannot be written as Python")


def _constant(tensor: NDArray) -> str:
    shape, dtype = tuple(int(size) for size in tensor.shape), str(tensor.dtype)
    if not is_numpy(dtype):
        return f'relax.const(tvm.runtime.empty({shape}, "{dtype}"))'
    if shape:
        return f'relax.const(np.ones({shape}, "{dtype}"))'
    return f'relax.const({np.asarray(tensor.numpy()).item()!r}, "{dtype}")'


def _attributes(attrs: Attrs) -> dict[str, Any]:
    return {name: value for name, value in attribute_values(attrs).items() if value is not None}


def _value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
