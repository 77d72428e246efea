"""A quantizer configuration, as people write it and as TVM's QConfig takes it.

int4                    all three dtype fields, as the assignment behind this project did
int8/int8/int32         INPUT/WEIGHT/ACTIVATION
int8/int8/int32:nbit=4  further fields behind colons; nbit stands for nbit_input and nbit_weight
int8:skip_conv_layers=0+2  a list; `none` is an empty one
@bits.toml              bits of each weight, from a file (instruments/protocol/bits_file.py)
as-is                   the model as it is: for one that arrives quantized
as-is:fq2i              the same after FakeQuantizationToInteger
int8@pi5                for another machine: a name of tvmq_diag/targets.py or a target of TVM's

Fields that are not listed here are asked of the TVM at hand: see `with_fields_of`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import targets
from .errors import UsageError
from .instruments.protocol import bits_file

Value = int | float | str | list[int] | list[str]


def _numbers(text: str) -> list[int]:
    return [] if text in _EMPTY else [int(part) for part in text.split("+")]


def _texts(text: str) -> list[str]:
    return [] if text in _EMPTY else text.split("+")


def _flag(text: str) -> bool:
    return _FLAGS[text.lower()]


def _size(text: str) -> int:
    if int(text) < 0:
        raise ValueError
    return int(text)


def _digits(text: str) -> str:
    if re.fullmatch("[1-8]+", text) is None:
        raise ValueError
    return text


_EMPTY = ("none", "[]")
_FLAGS = {"0": False, "1": True, "false": False, "true": True}


FIELDS: dict[str, Callable[[str], Value]] = {
    "nbit_input": int,
    "nbit_weight": int,
    "nbit_activation": int,
    "calibrate_mode": str,
    "global_scale": float,
    "weight_scale": str,
    "rounding": str,
    "skip_conv_layers": _numbers,
    "skip_dense_layer": int,
    "pipeline": str,
    "realize": str,
    "per_channel": _flag,
    "skip": _texts,
    "weight_bits": _digits,
    "group": _size,
}
"""What may follow the dtypes: fields of Relay's QConfig (python/tvm/relay/quantize/quantize.py),
for Relax those of instruments.relax.quantizer and the pipeline of tvm.compile, and this project's
own: `weight_bits` has a digit for each weight that is quantized, in running order."""

PACKED, BITSERIAL = "packed", "bitserial"
"""Of realize: weights of few bits several to a byte, on Relax; TVM's bitserial ops, on Relay."""

CHOICES = {"pipeline": ("default", "target"), "realize": ("integer", "qdq", PACKED)}
"""On Relax: which pipeline of passes, and which arithmetic. The first is what is meant if neither
is said."""

_VALUES = {
    **CHOICES,
    "realize": (*CHOICES["realize"], BITSERIAL),
    "rounding": ("UPWARD", "TONEAREST"),
    "weight_scale": ("power2", "max"),
    "skip_dense_layer": ("0", "1"),
    "partition_conversions": ("disabled", "enabled", "fully_integral"),
}

_KINDS = {
    "weight_bits": "it has a digit from 1 to 8 for each weight that is quantized",
    "group": "it is how many values have a scale together, 0 for all",
}
"""Of fields whose values do not go without saying."""

_ONLY = {
    "relay": (
        "nbit_activation", "weight_scale", "rounding", "skip_conv_layers", "skip_dense_layer",
    ),
    "relax": ("pipeline", "per_channel", "skip", "group"),
}  # fmt: skip
"""Fields that the other dialect does not have."""

_REALIZES = {"relay": (BITSERIAL,), "relax": CHOICES["realize"]}

CALIBRATION = frozenset({"calibrate_mode", "global_scale"})
"""Fields that say how the ranges of activations come about."""

OVER_DATA = {
    "relay": ("percentile", "kl_divergence"),
    "relax": ("percentile", "kl", "minmax"),
}
"""The values of calibrate_mode that look at data, by dialect, in the order to try them. Relax's
default is minmax, Relay's the same bound for all (python/tvm/relay/quantize/quantize.py)."""

AS_IS, FQ2I = "as-is", "fq2i"

DTYPES = ("dtype_input", "dtype_weight", "dtype_activation")

_DTYPE = re.compile(
    r"^(?:u?int[1-9]\d*|bool|float(?:16|32|64)|bfloat16|float8_e4m3fn|float8_e5m2)$"
)
_LONGEST = 100
"""Letters of a file name; the rest of a longer one is a digest."""
_EXAMPLES = "int4, int8/int8/int32 or int8/int8/int32:nbit=4"


@dataclass(frozen=True)
class Configuration:
    """`fields` are those set explicitly; the rest keep TVM's defaults (nbit 8, 8, 32)."""

    text: str
    dtypes: tuple[str, str, str]
    fields: dict[str, Value] = field(default_factory=dict, hash=False)
    unknown: tuple[str, ...] = ()
    """Names among the fields that only the TVM at hand can say more of; their values are text."""
    target: str | None = None
    """What it is compiled for, as it was typed; None for this machine."""

    @property
    def untargeted(self) -> str:
        """The text without the target."""
        return self.text.partition("@")[0]

    @property
    def as_is(self) -> bool:
        """Is the model not quantized here?"""
        return self.untargeted.partition(":")[0] == AS_IS

    @property
    def is_model(self) -> bool:
        """Is it the model itself, with nothing done to it but the build?"""
        return self.untargeted == AS_IS

    @property
    def fq2i(self) -> bool:
        """Does FakeQuantizationToInteger run on it?"""
        return self.as_is and self.untargeted != AS_IS

    @property
    def qconfig(self) -> dict[str, Value] | None:
        """Keyword arguments for relay.quantize.qconfig(); None where nothing is quantized."""
        if self.as_is:
            return None
        return {**dict(zip(DTYPES, self.dtypes, strict=True)), **self.fields}

    @property
    def slug(self) -> str:
        """The configuration as a file name."""
        name = re.sub(r"[^\w.=-]+", "_", self.text)
        if len(name) <= _LONGEST:
            return name
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        return f"{name[:_LONGEST]}-{digest}"

    @property
    def narrow(self) -> bool:
        """Does it accumulate in less than 16 bits, so that its numbers cannot mean much?"""
        return bits(self.dtypes[2]) < 16

    @property
    def short_sums(self) -> bool:
        """Does it accumulate in 16 bits, the products of bytes?"""
        return bits(self.dtypes[2]) == 16 and not self.dtypes[2].startswith(("float", "bfloat"))


def parse(text: str) -> Configuration:
    """One configuration; raises UsageError that says which part is not understood."""
    text, _, target = text.strip().partition("@")
    if target:
        return for_target(parse(text), target)
    head, *extras = text.split(":")
    if head == AS_IS:
        if extras not in ([], [FQ2I]):
            raise UsageError(f"{text!r} is not a configuration: {AS_IS} or {AS_IS}:{FQ2I}")
        return Configuration(":".join([head, *extras]), REFERENCE.dtypes)
    parts = head.split("/")
    if len(parts) not in (1, 3) or not all(_DTYPE.match(part) for part in parts):
        raise UsageError(f"{text!r} is not a configuration; write for example {_EXAMPLES}")
    first, second, third = parts if len(parts) == 3 else parts * 3
    fields: dict[str, Value] = {}
    for extra in extras:
        fields.update(_field(text, extra))
    unknown = tuple(name for name in fields if name not in FIELDS)
    # In one order, however it was typed: what is the same is compiled once.
    extras.sort(key=lambda extra: extra.partition("=")[0] in CHOICES)
    same = first == second == third
    shown = first if same else f"{first}/{second}/{third}"
    return Configuration(":".join([shown, *extras]), (first, second, third), fields, unknown)


def for_target(configuration: Configuration, target: str) -> Configuration:
    """A configuration compiled for what a target's name or TVM's text says. Raises UsageError."""
    there = replace(configuration, text=f"{configuration.untargeted}@{target}", target=target)
    return configuration if targets.resolve(target) is None else there


def of_fields(fields: Mapping[str, object], changed: Iterable[str]) -> Configuration | None:
    """What the quantizer's fields, and those `changed` from its default, are called as a
    configuration; None where they name no dtypes."""
    dtypes = [dtype for dtype in map(fields.get, DTYPES) if isinstance(dtype, str)]
    others = {name: fields[name] for name in changed if name in fields and name not in DTYPES}
    both = others.get("nbit_input"), others.get("nbit_weight")
    if both[0] is not None and both[0] == both[1]:
        del others["nbit_input"], others["nbit_weight"]
        others = {"nbit": both[0], **others}
    extras = [f"{name}={_typed(value)}" for name, value in others.items() if value is not None]
    try:
        return parse(":".join(["/".join(dtypes), *extras]))
    except UsageError:
        return None


def _typed(value: object) -> str:
    """A field's value as a person types it."""
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def wider(configuration: Configuration) -> list[Configuration]:
    """What keeps its values in int8 and accumulates in int32, from its own bits up to 7.

    One bit is left out: it has no magnitude. Empty where int8 itself is the nearest.
    """
    narrowest = max(2, min(bits(dtype) for dtype in configuration.dtypes))
    if configuration.dtypes == ("bool", "bool", "bool"):
        narrowest = 8  # asked for as a type of its own, not as one bit
    usual = reference(configuration).text
    return [parse(f"{usual}:nbit={width}") for width in range(narrowest, 8)]


def over_data(configuration: Configuration, dialect: str) -> list[Configuration]:
    """A configuration calibrated on data, once in each way that its dialect has and that it is not
    calibrated in already; none for one that names such a way itself, or quantizes nothing."""
    modes = OVER_DATA.get(dialect, OVER_DATA["relay"])
    own = configuration.fields.get("calibrate_mode")
    if configuration.as_is or configuration.target or own in modes:
        return []
    if own is None and dialect == "relax":
        modes = modes[:-1]
    head, *extras = configuration.text.split(":")
    others = [extra for extra in extras if extra.partition("=")[0] != "calibrate_mode"]
    return [parse(":".join([head, *others, f"calibrate_mode={mode}"])) for mode in modes]


def reference(configuration: Configuration) -> Configuration:
    """TVM's own default, and the sane baseline: compiled in the same way as this configuration.

    Of what is packed, and of bitserial ops, the baseline is not."""
    same = [
        f"{name}={configuration.fields[name]}"
        for name in CHOICES
        if configuration.fields.get(name) not in (None, PACKED, BITSERIAL)
    ]
    return parse(":".join([REFERENCE.text, *same]))


def adapted(configuration: Configuration, dialect: str) -> list[Configuration]:
    """What a configuration means on a dialect: on Relax one for each pipeline, if it names none.

    There a single dtype is that of inputs and weights: sums are int32, as its quantizer's, and of
    float8 float32. Raises UsageError for a field that the dialect does not have.
    """
    if configuration.target:
        here = adapted(parse(configuration.untargeted), dialect)
        return [for_target(one, configuration.target) for one in here]
    if configuration.as_is:
        if dialect == "relax" and configuration.fq2i:
            raise UsageError(f"{configuration.text}: Relax has no FakeQuantizationToInteger")
        return [configuration]
    if dialect == "relax" and configuration.unknown:
        fields = ", ".join(["nbit", *(name for name in FIELDS if name not in _ONLY["relay"])])
        raise UsageError(
            f"{configuration.unknown[0]} in {configuration.text!r}: this project's quantizer for "
            f"Relax has no such field; its fields: {fields}"
        )
    other = "relay" if dialect == "relax" else "relax"
    for name in configuration.fields:
        if name in _ONLY[other]:
            raise UsageError(f"{name} in {configuration.text!r} is for --tvm {other}")
    realize = configuration.fields.get("realize")
    if realize is not None and realize not in _REALIZES[dialect]:
        raise UsageError(f"realize={realize} in {configuration.text!r} is for --tvm {other}")
    if dialect != "relax":
        return [configuration]
    first, second, third = configuration.dtypes
    if first == second == third:
        third = "float32" if first.startswith("float8") else "int32"
    extras = configuration.text.split(":")[1:]
    said = "pipeline" in configuration.fields
    pipelines = [""] if said else [f":pipeline={name}" for name in CHOICES["pipeline"]]
    return [
        parse(":".join([f"{first}/{second}/{third}", *extras]) + pipeline) for pipeline in pipelines
    ]


def with_fields_of(configuration: Configuration, defaults: Mapping[str, object]) -> Configuration:
    """A configuration whose unknown fields have values of the kind that the quantizer's own
    defaults have. `defaults` are those of the TVM at hand. Raises UsageError."""
    fields = dict(configuration.fields)
    for name in configuration.unknown:
        if name not in defaults:
            names = ", ".join(["nbit", *(field for field in defaults if field not in DTYPES)])
            raise UsageError(
                f"{name} in {configuration.text!r}: this TVM's quantizer has no such field; its "
                f"fields: {names}"
            )
        try:
            fields[name] = _like(str(fields[name]), defaults[name])
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"{fields[name]!r} is no value for {name} in {configuration.text!r}; "
                f"its default is {defaults[name]!r}"
            ) from error
    return replace(configuration, fields=fields, unknown=())


def _like(text: str, default: object) -> Value:
    """A text as a value of the default's kind; a default of None stands for a list of names."""
    if isinstance(default, bool):
        return _flag(text)
    if isinstance(default, (int, float)):
        return type(default)(text)
    if isinstance(default, list):
        return _numbers(text)
    return text if isinstance(default, str) else _texts(text)


def parse_list(text: str) -> list[Configuration]:
    """Configurations separated by commas, each once; @FILE stands for what a file has of bits of
    each weight. Raises UsageError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found = {c.text: c for c in map(parse, map(_as_text, parts))}
    if not found:
        raise UsageError(f"no configuration given; write for example {_EXAMPLES}")
    return list(found.values())


def _as_text(part: str) -> str:
    """A configuration as text, of a file that holds one."""
    if not part.startswith("@"):
        return part
    try:
        return bits_file.read(part[1:]).configuration
    except bits_file.BitsFileError as error:
        raise UsageError(str(error)) from error


def bits(dtype: str) -> int:
    """Bits of a dtype's values: 4 of int4, 1 of bool."""
    digits = re.search(r"\d+", dtype)
    return int(digits.group()) if digits else 1


def _field(text: str, extra: str) -> dict[str, Value]:
    name, equals, value = extra.partition("=")
    names = ["nbit_input", "nbit_weight"] if name == "nbit" else [name]
    if not (equals and name.isidentifier() and value):
        usual = ", ".join(["nbit", *FIELDS])
        raise UsageError(f"{extra!r} in {text!r} is not FIELD=VALUE with FIELD one of {usual}, …")
    if name in DTYPES:
        raise UsageError(f"{extra!r} in {text!r}: dtypes come first, as in int8/int4/int32")
    if name in _VALUES and value not in _VALUES[name]:
        raise UsageError(f"{extra!r} in {text!r}: {name} is {' or '.join(_VALUES[name])}")
    if name not in FIELDS and name != "nbit":
        return {name: value}
    try:
        return {one: FIELDS[one](value) for one in names}
    except (ValueError, KeyError) as error:
        what = f": {_KINDS[name]}" if name in _KINDS else ""
        raise UsageError(f"{value!r} is no value for {name} in {text!r}{what}") from error


REFERENCE = parse("int8/int8/int32")
"""TVM's own default, and the sane baseline."""
