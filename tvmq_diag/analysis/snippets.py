"""A configuration as lines of Python, for a script of one's own."""

from __future__ import annotations

from ..configuration import REFERENCE, Configuration, Value
from ..trace.stages import RELAY

_OWN = ("weight_bits", "realize")
"""Fields of a configuration that TVM's QConfig on Relay has not: this project's passes."""


def snippet(configuration: Configuration, dialect: str) -> str | None:
    """What quantizes `module` as the configuration says; None where nothing is quantized.

    On Relay, fields that are TVM's own go to its QConfig, and bits of each weight to a pass of
    instruments/relay/quantizer; on Relax all are of instruments/relax/quantizer.
    """
    if configuration.as_is:
        return None
    default = REFERENCE.qconfig or {}
    fields = {
        name: value
        for name, value in (configuration.qconfig or {}).items()
        if default.get(name) != value and name != "pipeline"
    }
    return _relay(fields) if dialect == RELAY else _relax(fields)


def apply_records(file: str, dialect: str = RELAY, pipeline: str = "default") -> str:
    """What builds a `module` for a `target` with the schedules of a file that tuning left.

    On Relay these are AutoTVM's records; `autotvm` and `relay` are TVM's. On Relax they are numbers
    of this project's schedule, behind TVM's `pipeline` of that name.
    """
    if dialect == RELAY:
        return (
            f"with autotvm.apply_history_best({file!r}):\n"
            "    library = relay.build(module, target=target, params=params)"
        )
    return (
        "from instruments.relax.compile import schedule, tiles\n"
        f"numbers, passes = tiles.read({file!r}), schedule.pipeline({pipeline!r}, target)\n"
        "passes = schedule.sound(passes, schedule.Scheduled(), numbers, str(target))\n"
        "executable = tvm.compile(module, target=target, relax_pipeline=passes)"
    )


def _relay(fields: dict[str, Value]) -> str | None:
    own = {name: fields.pop(name) for name in _OWN if name in fields}
    blocks = [f"relay.quantize.qconfig({_arguments(fields)})"] if fields else []
    lines = []
    if own:
        lines = ["from instruments.relay.quantizer import configured"]
        blocks = [f"configured({ {**fields, **own}!r})"]
    quantize = "module = relay.quantize.quantize(module, params)"
    if not blocks:
        return quantize
    return "\n".join([*lines, f"with {', '.join(blocks)}:", f"    {quantize}"])


def _relax(fields: dict[str, Value]) -> str:
    return (
        "from instruments.relax.quantizer import QConfig, quantize\n"
        "# batches: what to calibrate on, such as [{'x': array}] for a main with the parameter x\n"
        f"module = quantize(module, QConfig({_arguments(fields)}), batches)"
    )


def _arguments(fields: dict[str, Value]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in fields.items())
