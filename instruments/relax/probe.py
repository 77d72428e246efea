"""A calibrated module rewritten so that one compile answers many questions about its numbers.

It is what `realize(config.in_float())` makes of the module (see quantizer.realize_integer), except
that each site has a parameter, its switch: while that is off its values pass as they are, and
count as steps of a scale of 1. Scale, least and greatest step are parameters too. With all off the
module is the float model, with all on the realized one, both bit for bit. The two sites of an
addition have one switch, as they add up in steps of the scale that they share. The results of all
anchor ops, and what goes into each site, become outputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import tvm
from tvm import relax

from ..numerics.probe import Anchor, Probe, Site, Unsupported, span_of
from ..protocol.ops import CHOOSING, anchor_kind
from ..protocol.schema import RELAX
from ..tvm_types import Call, Expr, IRModule
from .compat import TENSOR, Constant, array_of, name_of, rank_of, type_of
from .ir import walk
from .quantizer import QConfig
from .quantizer.op import site_of
from .quantizer.realize_integer import Integer, IntegerRealizer, Scale, in_float32
from .quantizer.rewrite import (
    Emitter,
    bindings_of,
    main_of,
    op_name,
    rewritten,
)


def probe(module: IRModule, config: QConfig) -> Probe:
    """Rewrite a module that is annotated and calibrated with `config`. Raises Unsupported."""
    # What a dataflow block binds cannot be an output.
    module = relax.transform.ToNonDataflow()(module)
    survey = _Survey(module)
    switches = _switches(module, survey.numbers)
    numbers = {
        variable: Numbers.of(number, survey.sites[number])
        for variable, number in survey.numbers.items()
    }
    more = [*dict.fromkeys(switches.values()), *(one for each in numbers.values() for one in each)]
    opened = _opened(module, more, survey.outputs)
    probed = rewritten(opened, lambda: _Switching(config, switches, numbers))
    values = {**survey.values, **_numbers_of(survey.sites)}
    result = Probe(probed, values, survey.anchors, survey.sites, survey.results)
    result.feed()
    return result


def switch(site: int) -> str:
    """The name of the parameter (a bool scalar) that switches a site on."""
    return f"tvmq_on{site}"


def scaling(site: int) -> tuple[str, str, str]:
    """The names of a site's parameters in float32: scale (one, or one for each index of the site's
    axis), least and greatest step."""
    return f"tvmq_scale{site}", f"tvmq_least{site}", f"tvmq_clip{site}"


def results_only(probed: Probe) -> Probe:
    """The same with no outputs but the model's own."""
    main = main_of(probed.module)
    outputs = [main.body.body.fields[number] for number in probed.results]
    module = relax.transform.DeadCodeElimination()(_opened(probed.module, [], outputs))
    return replace(probed, module=module, results=list(range(len(outputs))))


class Numbers(NamedTuple):
    """The parameters that a site's numbers are: see `scaling`."""

    scale: Any
    least: Any
    clip: Any

    @classmethod
    def of(cls, number: int, site: Site) -> Numbers:
        shapes = (site.scales.shape, (), ())
        names = scaling(number)
        return cls(*(relax.Var(name, TENSOR(s, "float32")) for name, s in zip(names, shapes)))


def _numbers_of(sites: list[Site]) -> dict[str, Any]:
    """The numbers of all sites as they were calibrated, by the names of the parameters."""
    values = {}
    for number, site in enumerate(sites):
        for name, value in zip(scaling(number), (site.scales, site.least, site.clip)):
            values[name] = tvm.runtime.tensor(np.asarray(value, "float32"))
    return values


def _switches(module: IRModule, numbers: dict[Any, int]) -> dict[Any, Any]:
    """The parameter of each site, by the variable of the site."""
    left_of: dict[Any, Any] = {}
    for binding in bindings_of(module):
        if op_name(binding.value) == "add":
            first, right = binding.value.args
            if first in numbers and right in numbers:
                left_of[right] = first
    result: dict[Any, Any] = {}
    for variable, number in numbers.items():
        first = left_of.get(variable)
        own = relax.Var(switch(number), TENSOR((), "bool"))
        result[variable] = own if first is None else result[first]
    return result


def _opened(module: IRModule, switches: list[Any], outputs: list[Any]) -> Any:
    """The module with more parameters, and these variables for a result."""
    main = main_of(module)
    body = relax.SeqExpr(main.body.blocks, relax.Tuple(outputs))
    body = relax.BlockBuilder().normalize(body)
    params = [*main.params, *switches]
    function = relax.Function(params, body, type_of(body), main.is_pure, main.attrs)
    opened = tvm.IRModule(dict(module.functions.items()), attrs=module.attrs)
    opened["main"] = function
    return opened


class _Survey:
    """The anchors and sites of a module, and the variables that are to be its outputs."""

    def __init__(self, module: IRModule) -> None:
        self.anchors: list[Anchor] = []
        self.sites: list[Site] = []
        self.values: dict[str, Any] = {}
        self.numbers: dict[Any, int] = {}
        """The sites by the variables that they are bound to."""
        self.outputs: list[Any] = []
        self._bound: dict[Any, Any] = {}
        self._places: dict[Any, int] = {}
        self._sites_of: dict[Any, frozenset[int]] = {}
        self._anchors_of: dict[Any, frozenset[int]] = {}
        for binding in bindings_of(module):
            self._add(binding.var, binding.value)
        self.results = [self._output(var) for var in self._flat(main_of(module).body.body)]

    def _add(self, variable: Expr, value: Any) -> None:
        self._bound[variable] = value
        reads = relax.analysis.free_vars(value)
        none: frozenset[int] = frozenset()
        sites = none.union(*(self._sites_of.get(read, none) for read in reads))
        anchors = none.union(*(self._anchors_of.get(read, none) for read in reads))
        if site_of(value) is not None:
            sites = frozenset([len(self.sites)])
            self.numbers[variable] = len(self.sites)
            self.sites.append(self._site(value))
        elif is_anchor(value):
            name = op_name(value)
            span = span_of(value)
            output = self._output(variable)
            self.anchors.append(Anchor(name, span, output, sorted(sites), sorted(anchors)))
            anchors = frozenset([len(self.anchors) - 1])
            sites = sites if anchor_kind(RELAX, name) in CHOOSING else none
        self._sites_of[variable], self._anchors_of[variable] = sites, anchors

    def _site(self, call: Call) -> Site:
        site = site_of(call)
        assert site is not None
        if not site.scale.all():
            raise Unsupported("a quantization step has no scale: the module is not calibrated")
        least, most = (float(end) for end in site.range)
        scale = [float(value) for value in site.scale.ravel()]
        data, output, parameter = "constant", None, None
        if isinstance(site.data, Constant):
            parameter = f"tvmq_weight{len(self.values)}"
            self.values[parameter] = walk.tensor_of(site.data)
        elif site.data in self._bound:
            data = op_name(self._bound[site.data])
            output = self._output(site.data)
        else:
            data = parameter = name_of(site.data)
        groups = len(site.scale) if site.scale.ndim == 2 else 0
        return Site(site.kind, scale, least, most, data, output, parameter, site.axis, groups)

    def _output(self, variable: Expr) -> int:
        """The number of a variable among the outputs, each once."""
        if variable not in self._places:
            self._places[variable] = len(self.outputs)
            self.outputs.append(variable)
        return self._places[variable]

    def _flat(self, result: Any) -> list[Any]:
        """The tensors of a result, tuples taken apart."""
        bound = self._bound.get(result) if isinstance(result, relax.Var) else result
        if isinstance(bound, relax.Tuple):
            return [tensor for part in bound.fields for tensor in self._flat(part)]
        if not isinstance(result, relax.Var) or not isinstance(type_of(result), TENSOR):
            raise Unsupported("the model's result is not made of tensors that are there to be read")
        return [result]


def is_anchor(value: Any) -> bool:
    """Not a rescaling by a scalar, nor a sum of indices."""
    if anchor_kind(RELAX, op_name(value)) is None:
        return False
    scalars = (isinstance(a, Constant) and rank_of(a) == 0 for a in value.args)
    return "float" in str(getattr(type_of(value), "dtype", "")) and not any(scalars)


class _Switching(IntegerRealizer):
    """Realizes the bindings of one block, in float, with switches and numbers by variable of a
    site."""

    def __init__(
        self, config: QConfig, switches: dict[Any, Any], numbers: dict[Any, Numbers]
    ) -> None:
        super().__init__(config.in_float())
        self._switches = switches
        self._numbers = numbers

    def _steps(self, emit: Emitter, variable: Expr, site: Any) -> Any:
        name, numbers = name_of(variable), self._numbers[variable]
        data = in_float32(emit, name, site.data)
        scale = self._spread(emit, variable, site.axis, rank_of(data))
        if site.scale.ndim == 2:
            rows = array_of(site.data).shape[0] // len(site.scale)
            scale = emit.new(f"{name}_rows", relax.op.repeat(scale, rows, 0))
        steps = emit.new(f"{name}_steps", relax.op.divide(data, scale))
        rounded = emit.new(f"{name}_rounded", relax.op.round(steps))
        low = emit.new(f"{name}_low", relax.op.maximum(rounded, numbers.least))
        clipped = emit.new(f"{name}_clipped", relax.op.minimum(low, numbers.clip))
        either = relax.op.where(self._switches[variable], clipped, data)
        return emit.new(f"{name}_either", either)

    def _spread(self, emit: Emitter, site: Expr, axis: int, rank: int) -> Any:
        """The scale of a site in the shape in which it multiplies data of that rank."""
        scale = self._numbers[site].scale
        if rank_of(scale) != 1:
            return scale
        shape = [-1 if index == axis else 1 for index in range(rank)]
        return emit.new(f"{name_of(site)}_spread", relax.op.reshape(scale, shape))

    def _op(self, emit: Emitter, variable: Expr, call: Call) -> Integer | None:
        """Of "qdq" no op works on integers."""
        return None if self._config.realize == "qdq" else super()._op(emit, variable, call)

    def _grouped(self, emit: Emitter, variable: Expr, call: Call) -> Any:
        """In groups while the weight's site is on; else one sum, as the float model has it."""
        name, (left, right) = name_of(variable), call.args
        data, weight = self._integers[left], self._integers[right]
        in_groups = emit.new(f"{name}_grouped", super()._grouped(emit, variable, call))
        product = emit.new(f"{name}_whole", relax.op.matmul(data.variable, weight.variable))
        scale = self._factor(emit, variable, data.scale)
        whole = emit.new(f"{name}_scaled", relax.op.multiply(product, scale))
        return relax.op.where(self._switches[right], in_groups, whole)

    def _are_addends(self, integers: list[Integer]) -> bool:
        left, right = ([self._switches[s] for s in one.scale.sites] for one in integers)
        return left == right and super()._are_addends(integers)

    def _factor(self, emit: Emitter, variable: Expr, scale: Scale) -> Any:
        """The scales of the sites that are on."""
        rank, product = rank_of(variable), None
        one = relax.const(1.0, "float32")
        for site in scale.sites:
            on = self._spread(emit, site, scale.axis, rank)
            either = emit.new(
                f"{name_of(site)}_scale", relax.op.where(self._switches[site], on, one)
            )
            product = either if product is None else relax.op.multiply(product, either)
        return emit.new(f"{name_of(variable)}_scale", product)
