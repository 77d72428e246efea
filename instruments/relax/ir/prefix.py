"""The beginning of a module: its first ops, as a module that computes what nobody uses there."""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax

from ...tvm_types import Expr, IRModule
from . import walk


def first_ops(module: IRModule, count: int) -> Any:
    """main up to its `count`th call; the module itself where it has no more. Its weights stay."""
    main = module["main"]
    bindings: list[Any] = []
    calls = 0
    for binding in (b for block in main.body.blocks for b in block.bindings):
        # What takes a call's result apart still belongs to it.
        calls += walk.is_call(binding.value)
        if calls > count:
            break
        bindings.append(binding)
    else:
        return module
    used: set[int] = set()
    for binding in bindings:
        reads: list[Any] = []
        _reads(binding.value, reads)
        used.update(walk.address(node) for node in reads)
    results = [b.var for b in bindings if walk.address(b.var) not in used]
    return tvm.IRModule({**dict(module.functions.items()), **_main(module, bindings, results)})


def _main(module: IRModule, bindings: list[Any], results: list[Any]) -> dict[Any, Any]:
    main = module["main"]
    outputs, ends = [], []
    for number, var in enumerate(results):
        kind, value = walk.type_of(var), var
        if hasattr(kind, "fields"):  # a batch_norm: its first field is what the net goes on with
            kind, value = kind.fields[0], relax.TupleGetItem(var, 0)
        output = relax.Var(f"output{number}", kind)
        ends.append(relax.VarBinding(output, value))
        outputs.append(output)
    result = outputs[0] if len(outputs) == 1 else relax.Tuple(outputs)
    block = relax.DataflowBlock([*bindings, *ends])
    body = relax.BlockBuilder().normalize(relax.SeqExpr([block], result))
    function = relax.Function(main.params, body, is_pure=main.is_pure)
    var = module.get_global_var("main")
    return {var: function.with_attrs({"global_symbol": "main", "num_input": len(main.params)})}


def _reads(node: Expr, reads: list[Any]) -> None:
    """The variables that an expression reads."""
    if isinstance(node, relax.Var):
        reads.append(node)
    elif isinstance(node, relax.Tuple):
        for part in node.fields:
            _reads(part, reads)
    elif isinstance(node, relax.TupleGetItem):
        _reads(node.tuple_value, reads)
    elif walk.is_call(node):
        for part in node.args:
            _reads(part, reads)
