"""A calibrated module rewritten so that one compile answers many questions about its numbers.

After QuantizeCalibrate a Relay module is still float: each quantization step is one call of
`simulated_quantize(data, scale, clip_min, clip_max)`, which rounds and clips and gives back float.
Here each becomes `where(on, <the same arithmetic>, data)` with a parameter `on` of its own: with
all off the module is the float model, bit for bit, and any set of them can be on without another
compile. The results of all anchor ops, and what goes into each site, become outputs. Weights become
parameters, as folding constants is most of the time that a build takes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tvm
from tvm import relay

from ..numerics.probe import Anchor, Probe, Site, Unsupported, span_of
from ..protocol.ops import CHOOSING, STEP_KINDS, anchor_kind
from ..protocol.schema import RELAY
from ..tvm_types import Call, Expr, IRModule
from .ir.op_table import nodes_of
from .ir.parts import QUANTIZER_STEP

HINTS = ("annotation.cast_hint", "annotation.stop_fusion")
"""Notes of the quantizer to itself, which compute nothing."""


def save(probed: Probe, folder: Path) -> None:
    """Leave a probe in a folder, for another process of the same TVM. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _WEIGHTS).write_bytes(relay.save_param_dict(probed.values))
    record = {
        "module": tvm.ir.save_json(probed.module),
        "anchors": [asdict(anchor) for anchor in probed.anchors],
        "sites": [asdict(site) for site in probed.sites],
        "results": probed.results,
    }
    unfinished = folder / (_GRAPH + ".part")
    unfinished.write_text(json.dumps(record), encoding="utf-8")
    unfinished.replace(folder / _GRAPH)  # last: it says that all is there


_GRAPH = "probe.json"
_WEIGHTS = "weights.bin"


def saved(folder: Path) -> Probe | None:
    """The probe that lies in a folder; None if there is none, or only a part."""
    if not (folder / _GRAPH).exists():
        return None
    record = json.loads((folder / _GRAPH).read_text(encoding="utf-8"))
    return Probe(
        tvm.ir.load_json(record["module"]),
        dict(relay.load_param_dict((folder / _WEIGHTS).read_bytes())),
        [Anchor(**anchor) for anchor in record["anchors"]],
        [Site(**site) for site in record["sites"]],
        record["results"],
    )


def switch(site: int) -> str:
    """The name of the parameter (a bool scalar) that switches a site on."""
    return f"tvmq_on{site}"


def scaling(site: int) -> tuple[str, str, str]:
    """The names of a site's parameters (float32 scalars): scale, least and greatest step."""
    return f"tvmq_scale{site}", f"tvmq_least{site}", f"tvmq_clip{site}"


def results_only(probed: Probe) -> Probe:
    """The same with no outputs but the model's own, so that the rest can be fused."""
    function = probed.module["main"]
    outputs = [function.body.fields[number] for number in probed.results]
    module = tvm.IRModule.from_expr(relay.Function(function.params, relay.Tuple(outputs)))
    return replace(probed, module=module, results=list(range(len(outputs))))


def probe(module: IRModule) -> Probe:
    """Rewrite a calibrated module. Raises Unsupported."""
    return _Rewriter(relay.transform.InferType()(module)).done()


class _Rewriter:
    """Rebuilds a module node by node in post order: no recursion, however deep the model."""

    def __init__(self, module: IRModule) -> None:
        self._copies: dict[int, Any] = {}
        self._sites_of: dict[int, frozenset[int]] = {}
        self._anchors_of: dict[int, frozenset[int]] = {}
        self._params: list[Any] = []
        self._values: dict[str, Any] = {}
        self._anchors: list[Anchor] = []
        self._sites: list[Site] = []
        self._outputs: list[Any] = []
        self._places: dict[int, int] = {}
        for node in nodes_of(module):
            self._make(node)
        self._params = list(module["main"].params) + self._params
        self._results = [self._output(node) for node in _flat(module["main"].body)]

    def done(self) -> Probe:
        function = relay.Function(self._params, relay.Tuple(self._outputs))
        module = tvm.IRModule.from_expr(function)
        result = Probe(module, self._values, self._anchors, self._sites, self._results)
        result.feed()
        return result

    def _make(self, node: Expr) -> None:
        key = hash(node)
        inputs = _inputs(node)
        sites = frozenset().union(*(self._sites_of[hash(i)] for i in inputs))
        anchors = frozenset().union(*(self._anchors_of[hash(i)] for i in inputs))
        if isinstance(node, relay.Call):
            name = _operator(node)
            if name == QUANTIZER_STEP:
                sites = frozenset([len(self._sites)])
                copy = self._site(node)
            elif name in HINTS:
                copy = self._copies[hash(node.args[0])]
            else:
                arguments = [self._copies[hash(argument)] for argument in node.args]
                copy = relay.Call(node.op, arguments, node.attrs, node.type_args, node.span)
            if is_anchor(node):
                self._copies[key] = copy
                self._anchor(node, sites, anchors)
                anchors = frozenset([len(self._anchors) - 1])
                sites = sites if anchor_kind(RELAY, name) in CHOOSING else frozenset()
        elif isinstance(node, relay.Tuple):
            copy = relay.Tuple([self._copies[hash(i)] for i in inputs])
        elif isinstance(node, relay.TupleGetItem):
            copy = relay.TupleGetItem(self._copies[hash(node.tuple_value)], node.index)
        elif isinstance(node, relay.Constant) and len(node.data.shape) > 0:
            copy = self._parameter(f"tvmq_weight{len(self._values)}", node.data)
        elif isinstance(node, (relay.Var, relay.Constant, relay.Function)):
            copy = node
        else:
            raise Unsupported(f"the model has a {type(node).__name__}, and only plain graphs do")
        self._copies[key], self._sites_of[key], self._anchors_of[key] = copy, sites, anchors

    def _parameter(self, name: str, value: Any) -> Any:
        self._values[name] = value
        variable = relay.var(name, shape=value.shape, dtype=str(value.dtype))
        self._params.append(variable)
        return variable

    def _site(self, node: Expr) -> Any:
        data, *numbers = node.args
        while isinstance(data, relay.Call) and _operator(data) in HINTS:
            data = data.args[0]
        if not all(isinstance(number, relay.Constant) for number in numbers):
            raise Unsupported("a quantization step has no scale: the module is not calibrated")
        held = self._copies[hash(data)]
        output, parameter = None, None
        if isinstance(held, relay.Constant):
            raise Unsupported("a quantization step is on a scalar constant")
        if isinstance(held, relay.Var):
            parameter = str(held.name_hint)
        else:
            output = self._output(data)
        scale, low, high = numbers
        on = relay.var(switch(len(self._sites)), shape=(), dtype="bool")
        self._params.append(on)
        self._sites.append(
            Site(
                STEP_KINDS[int(node.attrs.kind)],
                [float(scale.data.numpy())],
                float(low.data.numpy()),
                float(high.data.numpy()),
                _called(data),
                output,
                parameter,
            )
        )
        # As simulated_quantize_compute does (python/tvm/relay/quantize/_annotate.py), but of
        # operators that can be saved: reading its attributes back from JSON fails. Its numbers are
        # parameters so that sites of one shape share a kernel, so that they can be others
        # (instruments/search), and as dividing by a constant zero (a scale of weights that are all
        # zero) would not compile.
        names = scaling(len(self._sites) - 1)
        values = (scale.data, low.data, high.data)
        by, least, greatest = (self._parameter(*pair) for pair in zip(names, values))
        steps = relay.maximum(relay.minimum(relay.divide(held, by), greatest), least)
        return relay.where(on, relay.multiply(relay.round(steps), by), held)

    def _anchor(self, node: Expr, sites: frozenset[int], anchors: frozenset[int]) -> None:
        self._anchors.append(
            Anchor(
                str(node.op.name),
                span_of(node),
                self._output(node),
                sorted(sites),
                sorted(anchors),
            )
        )

    def _output(self, node: Expr) -> int:
        """The number of a node's result among the outputs, each once."""
        result = self._copies[hash(node)]
        key = hash(result)
        if key not in self._places:
            self._places[key] = len(self._outputs)
            self._outputs.append(result)
        return self._places[key]


def _operator(call: Call) -> str:
    if not isinstance(call.op, tvm.ir.Op):
        raise Unsupported("the model calls functions, and only plain graphs of operators do")
    return str(call.op.name)


def _inputs(node: Expr) -> list[Any]:
    if isinstance(node, relay.Call):
        return list(node.args)
    if isinstance(node, relay.Tuple):
        return list(node.fields)
    return [node.tuple_value] if isinstance(node, relay.TupleGetItem) else []


def _flat(body: Expr) -> list[Any]:
    """The tensors of a result, tuples taken apart."""
    if isinstance(body, relay.Tuple):
        return [tensor for item in body.fields for tensor in _flat(item)]
    if not isinstance(body.checked_type, relay.TensorType):
        raise Unsupported("the model's result is not made of tensors that are there to be read")
    return [body]


def is_anchor(call: Call) -> bool:
    """Not a rescaling by a scalar, nor a sum of indices."""
    scalars = (isinstance(a, relay.Constant) and len(a.data.shape) == 0 for a in call.args)
    kind = call.checked_type
    is_float = isinstance(kind, relay.TensorType) and "float" in str(kind.dtype)
    is_known = anchor_kind(RELAY, str(call.op.name)) is not None
    return is_known and is_float and not any(scalars)


def _called(data: Any) -> str:
    if isinstance(data, relay.Call):
        return str(data.op.name)
    return str(data.name_hint) if isinstance(data, relay.Var) else "constant"
