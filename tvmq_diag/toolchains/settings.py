"""What a TVM's quantizer can be asked: the fields of its QConfig."""

from __future__ import annotations

from ..errors import SetupError
from . import question
from .question import NoAnswer
from .toolchain import Toolchain

# python/tvm/relay/quantize/quantize.py, QConfig._node_defaults. As old a Python as TVM ever had.
_ASK = """
import json, sys
del sys.path[0]
from tvm.relay.quantize.quantize import QConfig
print()
print(json.dumps(dict(QConfig._node_defaults), default=str))
"""


def defaults(chain: Toolchain) -> dict[str, object]:
    """The fields of Relay's QConfig, and what each is where nobody sets it. Raises SetupError."""
    try:
        return question.ask(chain, _ASK, dict[str, object])
    except NoAnswer as error:
        raise SetupError(f"{chain.python} does not say which fields its quantizer has") from error
