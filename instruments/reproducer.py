"""A failure as one short file that imports nothing but tvm: to attach to a bug report.

The module is written as Python that builds it, not as Relay text: TVM's parser cannot read
simulated_quantize back (its attributes' class has lost its fields' names).
"""

from __future__ import annotations

from typing import Any

from tvm import relay

from .parts import QUANTIZER_STEP
from .relay import attribute_values, nodes_of, settings

_FILE = '''"""{pass_name} fails on this module with: {message}

Seen with TVM {tvm}, Python {python}.
"""
import sys

import tvm
from tvm import relay

quantizer = sys.modules["tvm.relay.quantize.quantize"]

{module}
module = relay.transform.InferType()(tvm.IRModule.from_expr({result}))
with relay.quantize.qconfig({fields}):
    with {target}tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print({maker}(module))
'''

_MAKERS = {
    "QuantizePartition": "quantizer.partition()",
    "QuantizeAnnotate": "quantizer.annotate()",
    "QuantizeRealize": "quantizer.realize()",
}


def source(
    pass_name: str, module: Any, qconfig: Any, target: Any, message: str, versions: dict[str, str]
) -> str:
    """The file's text: a typed module, the settings that differ from TVM's own, and the pass."""
    lines, result = _module(module)
    own = pass_name in _MAKERS
    fields = {}
    if qconfig is not None:
        usual = dict(qconfig._node_defaults)
        fields = {k: v for k, v in settings(qconfig).items() if v != usual.get(k)}
    return _FILE.format(
        pass_name=pass_name,
        message=message.replace("\\", "\\\\").replace('"""', "'''"),
        tvm=versions["tvm"],
        python=versions["python"],
        module="\n".join(lines),
        result=result,
        fields=", ".join(f"{name}={value!r}" for name, value in fields.items()),
        # The quantizer's own passes know no target.
        target="" if target is None or own else f"tvm.target.Target({str(target)!r}), ",
        maker=_MAKERS.get(pass_name, f"relay.transform.{pass_name}()"),
    )


def _module(module: Any) -> tuple[list[str], str]:
    """Lines that build the module, and the name of its function's expression."""
    names: dict[int, str] = {}
    lines: list[str] = []
    for node in nodes_of(module):
        if isinstance(node, relay.Function):
            break
        text = _node(node, names)
        if isinstance(node, relay.Constant):
            names[hash(node)] = text
            continue
        name = node.name_hint if isinstance(node, relay.Var) else f"v{len(names)}"
        names[hash(node)] = name
        lines.append(f"{name} = {text}")
    body = names[hash(module["main"].body)]
    return lines, f"relay.Function(relay.analysis.free_vars({body}), {body})"


def _node(node: Any, names: dict[int, str]) -> str:
    if isinstance(node, relay.Var):
        checked = node.checked_type
        shape = tuple(int(size) for size in checked.shape)
        return f'relay.var("{node.name_hint}", shape={shape}, dtype="{checked.dtype}")'
    if isinstance(node, relay.Constant):
        return f'relay.const({node.data.numpy().item()!r}, "{node.data.dtype}")'
    if isinstance(node, relay.Tuple):
        return f"relay.Tuple([{', '.join(names[hash(item)] for item in node.fields)}])"
    if isinstance(node, relay.TupleGetItem):
        return f"relay.TupleGetItem({names[hash(node.tuple_value)]}, {int(node.index)})"
    arguments = ", ".join(names[hash(argument)] for argument in node.args)
    values = attribute_values(node.attrs)
    if node.op.name == QUANTIZER_STEP:
        more = f"{values['kind']}, {bool(values['sign'])}, {values['rounding']!r}"
        return f"quantizer._quantize.simulated_quantize({arguments}, {more})"
    call = f'relay.Call(relay.op.get("{node.op.name}"), [{arguments}]'
    if node.attrs is None:
        return f"{call})"
    key = repr(node.attrs).split("(")[0]
    given = ", ".join(f"{k}={v!r}" for k, v in values.items() if v is not None)
    return f'{call}, tvm.ir.make_node("{key}", {given}))'
