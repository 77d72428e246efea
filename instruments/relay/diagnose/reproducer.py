"""A failure as one short file that imports nothing but tvm: to attach to a bug report.

The module is written as Python that builds it, not as Relay text: TVM's parser cannot read
simulated_quantize back (its attributes' class has lost its fields' names).
"""

from __future__ import annotations

import tvm
from tvm import relay

from ...diagnosis.reduction import NotSliceable
from ...tvm_types import Expr, IRModule, QConfig, Target, Type
from ..ir import attributes
from ..ir.op_table import attribute_values, nodes_of, settings
from ..ir.parts import QUANTIZER_STEP, is_numpy
from ..passes import BUILD

_FILE = '''"""{what} fails on this module with: {message}

Seen with TVM {tvm}, Python {python}.
"""
{imports}

{module}
module = relay.transform.InferType()(tvm.IRModule.from_expr({result}))
{run}
'''

_MAKERS = {
    "QuantizePartition": "quantizer.partition()",
    "QuantizeAnnotate": "quantizer.annotate()",
    "QuantizeCalibrate": "tvm.transform.module_pass(quantizer.calibrate(None), opt_level=1)",
    "QuantizeRealize": "quantizer.realize()",
}

_QUANTIZE = """with relay.quantize.qconfig({fields}):
    with tvm.transform.PassContext(opt_level=3), quantizer.quantize_context():
        print({maker}(module))"""

_PASS = """with {target}tvm.transform.PassContext(opt_level=3):
    print(relay.transform.{name}()(module))"""

_BUILD = """with tvm.transform.PassContext(opt_level=2):
    relay.build(module, target={target!r})"""


def source(
    pass_name: str,
    module: IRModule,
    qconfig: QConfig,
    target: Target,
    message: str,
    versions: dict[str, str],
) -> str:
    """The file's text: a typed module, the settings that differ from TVM's own, and the pass.

    `pass_name` may be BUILD. Raises NotSliceable for a module that cannot be written like this.
    """
    lines, result = _module(module)
    text = "\n".join(lines)
    run = _run(pass_name, qconfig, target)
    imports = "import tvm\nfrom tvm import relay"
    if "np." in text:
        imports = f"import numpy as np\n{imports}"
    if "quantizer." in text + run:
        imports = f"import sys\n\n{imports}\n\n"
        imports += 'quantizer = sys.modules["tvm.relay.quantize.quantize"]'
    return _FILE.format(
        what=pass_name,
        message=message.replace("\\", "\\\\").replace('"""', "'''"),
        tvm=versions["tvm"],
        python=versions["python"],
        imports=imports,
        module=text,
        result=result,
        run=run,
    )


def _run(pass_name: str, qconfig: QConfig, target: Target) -> str:
    if pass_name in _MAKERS:  # these know no target, and only these know a qconfig
        fields = {}
        if qconfig is not None:
            defaults = dict(qconfig._node_defaults)
            fields = {k: v for k, v in settings(qconfig).items() if v != defaults.get(k)}
        given = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        return _QUANTIZE.format(fields=given, maker=_MAKERS[pass_name])
    if pass_name == BUILD:
        return _BUILD.format(target=str(target))
    within = "" if target is None else f"tvm.target.Target({str(target)!r}), "
    return _PASS.format(target=within, name=pass_name)


def _module(module: IRModule) -> tuple[list[str], str]:
    """Lines that build the module, and the name of its function's expression."""
    names: dict[int, str] = {}
    lines: list[str] = []
    for node in nodes_of(module):
        if isinstance(node, relay.Function):
            break
        text = _node(node, names)
        if isinstance(node, relay.Constant) and not node.data.shape:
            names[hash(node)] = text
            continue
        name = node.name_hint if isinstance(node, relay.Var) else f"v{len(names)}"
        names[hash(node)] = name
        lines.append(f"{name} = {text}")
    if hash(module["main"].body) not in names:
        raise NotSliceable("a function inside the module cannot be written as Python")
    body = names[hash(module["main"].body)]
    return lines, f"relay.Function(relay.analysis.free_vars({body}), {body})"


def _node(node: Expr, names: dict[int, str]) -> str:
    if isinstance(node, relay.Var):
        return _variable(node)
    if isinstance(node, relay.Constant):
        return _constant(node)
    if isinstance(node, relay.Tuple):
        return f"relay.Tuple([{', '.join(names[hash(item)] for item in node.fields)}])"
    if isinstance(node, relay.TupleGetItem):
        return f"relay.TupleGetItem({names[hash(node.tuple_value)]}, {int(node.index)})"
    if not isinstance(node, relay.Call) or not isinstance(node.op, tvm.ir.Op):
        raise NotSliceable(f"a {type(node).__name__} cannot be written as Python")
    arguments = ", ".join(names[hash(argument)] for argument in node.args)
    if node.op.name == QUANTIZER_STEP:
        values = attribute_values(node.attrs)
        more = f"{values['kind']}, {bool(values['sign'])}, {values['rounding']!r}"
        return f"quantizer._quantize.simulated_quantize({arguments}, {more})"
    call = f'relay.Call(relay.op.get("{node.op.name}"), [{arguments}]'
    if node.attrs is None:
        return f"{call})"
    given = "".join(f", {k}={v!r}" for k, v in attributes.telling(node.attrs).items())
    return f'{call}, tvm.ir.make_node("{attributes.kind(node.attrs)}"{given}))'


def _variable(node: Expr) -> str:
    checked = node.checked_type
    if isinstance(checked, relay.TensorType):
        return f'relay.var("{node.name_hint}", {_tensor(checked)})'
    return f'relay.Var("{node.name_hint}", {_type(checked)})'


def _type(checked: Type) -> str:
    if isinstance(checked, relay.TupleType):
        return f"relay.TupleType([{', '.join(map(_type, checked.fields))}])"
    if isinstance(checked, relay.TensorType):
        return f"relay.TensorType({_tensor(checked)})"
    raise NotSliceable(f"an input of type {checked} cannot be written as Python")


def _tensor(checked: Type) -> str:
    if not all(isinstance(size, tvm.tir.IntImm) for size in checked.shape):
        raise NotSliceable("a shape that is not fixed cannot be written as Python")
    shape = tuple(int(size) for size in checked.shape)
    return f'shape={shape}, dtype="{checked.dtype}"'


def _constant(node: Expr) -> str:
    data = node.data
    shape, dtype = tuple(int(size) for size in data.shape), str(data.dtype)
    if not is_numpy(dtype):
        return f'relay.Constant(tvm.nd.empty({shape}, "{dtype}"))'
    if shape:
        return f'relay.const(np.ones({shape}, "{dtype}"))'
    return f'relay.const({data.numpy().item()!r}, "{dtype}")'
