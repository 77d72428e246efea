"""What this project puts into TVM's own quantizer for Relay, between calibrate and realize.

behind_calibrate   how passes come in there, whoever calls quantize()
weight_bits        bits of each weight, where TVM has one width for all, biases among them
bitserial          which convolutions and dense TVM's bitserial ops compute, in place of its realize
few_bits           the integers that those compute on, as far as they are known before
bitserial_ops      those ops, made to compute what a quantized one does
own_fields         which fields of a configuration ask for them

In a script of one's own, whatever a configuration says::

    with configured({"weight_scale": "max", "weight_bits": "8443"}):
        module = relay.quantize.quantize(module, params)
"""

from __future__ import annotations

from .own_fields import configured

__all__ = ["configured"]
