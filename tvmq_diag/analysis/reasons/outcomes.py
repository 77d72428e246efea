"""What no message says: why a result is wrong or in float, and what a failure before or beside the
quantization means. `judge` decides when."""

from __future__ import annotations

from ...instruments.protocol import islands
from .reason import Circumstance

NO_MESSAGE = ", with no message"
"""Behind the class of an exception that says nothing."""

BEFORE_QUANTIZING = Circumstance(
    "a failure in a pass that prepares the model for the quantizer",
    "the passes that prepare a model for the quantizer read no configuration: every one fails so",
    "python/tvm/relay/quantize/quantize.py, prerequisite_optimize",
)
ILL_TYPED = Circumstance(
    "an import that is refused by a pass",
    "TVM's importer made a module that TVM's own passes refuse",
    "the pass named beside it, which ran during the import",
)
FLOAT_FAILS = Circumstance(
    "the float model was compiled too, and failed in the same stage with the same message",
    "the float model fails likewise: it is not for the quantization",
    "tried in the run itself",
)
AS_IS_FAILS = Circumstance(
    "as-is:fq2i, where the model as it is failed in the same stage with the same message",
    "the model as it is fails likewise: it is not for FakeQuantizationToInteger",
    "tried in the run itself",
)
ONE_BIT = Circumstance(
    "wrong at nbit_input=1 or nbit_weight=1",
    "of one bit the sign takes all: values are clipped to the range [0, 0]",
    "python/tvm/relay/quantize/_calibrate.py, _set_params: valid_range is 2**(nbit - sign), and "
    "values are clipped to plus and minus (valid_range - 1)",
)
NARROW = Circumstance(
    "wrong where dtype_activation has fewer than 16 bits",
    "convolutions accumulate in {0}, which overflows: the numbers are noise",
    "src/relay/quantize/realize.cc, Conv2dRealize: out_dtype is dtype_activation",
)
SHORT_SUMS = Circumstance(
    "wrong where dtype_activation has 16 bits",
    "convolutions accumulate in {0}, which has room for the sum of two full 8-bit products: longer "
    "sums can overflow",
    "src/relay/quantize/realize.cc, Conv2dRealize: out_dtype is dtype_activation; 3 * 127**2 is "
    "more than 2**15",
)
DEQUANTIZED = Circumstance(
    "realize=qdq, on Relax",
    "realize=qdq: it computes in float, on values that were quantized and dequantized",
    "instruments/relax/quantizer, this project's own",
)
SIMULATED = Circumstance(
    "do_simulation=1",
    "do_simulation: it computes in float, and simulates what quantizing does to values",
    "python/tvm/relay/quantize/quantize.py, quantize: realize is left out",
)
UNCHECKED = Circumstance(
    "a compile recorded in somebody's own script",
    "TVM raised nothing; no numbers were checked",
    "nothing was run",
)
NO_NUMBERS = Circumstance(
    "the same, where no quantizer ran", "no numbers were checked", "nothing was run"
)
LAST_RUN = Circumstance(
    "the same, where the quantizer ran more than once",
    "the last of {0} runs of the quantizer",
    "counted in the trace",
)
COMPARED = Circumstance(
    "a model that arrives quantized",
    "compared with {0}, not with a float model",
    "tried in the run itself",
)
CONTAINER = Circumstance(
    "the op that a failing one reads is no call, and with a parameter in its place it passes",
    "its input is an {0}: with a parameter in its place the pass goes through",
    "tried in the run itself, by replay",
)
CULPRIT = Circumstance(
    "with what another op hands on cast to another dtype the failing pass goes through",
    "{0} #{1} hands on another dtype: with its value cast to {2} the pass goes through",
    "tried in the run itself, by replay",
)
DIED_IMPORTING = Circumstance(
    "the process ends while the model is imported",
    "{0}, in TVM's importer or parser",
    "the stage of the compile in which its record stops",
)
FOLDS = (
    Circumstance(
        "FakeQuantizationToInteger fails at a region that holds an op without a rule",
        islands.WITHOUT_RULE,
        "src/relay/transforms/fake_quantization_to_integer.cc",
    ),
    Circumstance(
        "it fails at a region where every op has one",
        islands.CLOSED_EARLY,
        "tried in the run itself, by replay",
    ),
)
FOLDED = Circumstance(
    "a weight that is computed, where the trace has the pass that made it so",
    "{0} folded a factor for each channel into it, which {1} computes from the data, as of a "
    "squeeze-and-excitation",
    "src/relay/transforms/fold_scale_axis.cc, the forward and the backward rewriting of "
    "convolutions; seen in the modules before and after the pass",
)
ASSERTED_OWN = Circumstance(
    "likewise, in a script of somebody's own",
    "the script asserts `{0}`",
    "the statement itself, and the values in its frame",
)
RAISED_OWN = Circumstance(
    "an exception without a message, likewise",
    "the script raises this where `{0}`",
    "the branches that lead to the statement, and the values in its frame",
)
CAUGHT = Circumstance(
    "a compile recorded in somebody's own script, in which a pass raised and the script went on",
    "{0} raised something that the script caught; no numbers were checked",
    "nothing was run",
)
ASSERTED = Circumstance(
    "an assertion without a message",
    "TVM asserts `{0}`",
    "the statement itself, and the values in its frame",
)
RAISED = Circumstance(
    "an exception without a message",
    "TVM raises this where `{0}`",
    "the branches that lead to the statement, and the values in its frame",
)
VALUES = Circumstance("likewise", "where {0}", "the values in its frame")
NO_ANCHOR = Circumstance(
    "not quantized, and nothing in the model is what the quantizer is for",
    "the model has no operator that the quantizer has a rule for and that computes",
    "python/tvm/relay/quantize/_annotate.py, register_annotate_function; on Relax "
    "instruments/relax/quantizer, this project's own",
)

ALL = (
    BEFORE_QUANTIZING, ILL_TYPED, FLOAT_FAILS, AS_IS_FAILS, ONE_BIT, NARROW, SHORT_SUMS,
    DEQUANTIZED, SIMULATED, UNCHECKED, NO_NUMBERS, LAST_RUN, COMPARED, CONTAINER, CULPRIT,
    DIED_IMPORTING, *FOLDS, FOLDED, ASSERTED, RAISED, ASSERTED_OWN, RAISED_OWN, CAUGHT, VALUES,
    NO_ANCHOR,
)  # fmt: skip
