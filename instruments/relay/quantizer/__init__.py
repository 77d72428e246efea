"""What this project puts into TVM's own quantizer for Relay, between calibrate and realize.

behind_calibrate   how passes come in there, whoever calls quantize()
weight_bits        bits of each weight, where TVM has one width for all, biases among them
bitserial          which convolutions and dense TVM's bitserial ops compute, in place of its realize
few_bits           the integers that those compute on, as far as they are known before
bitserial_ops      those ops, made to compute what a quantized one does
own_fields         which fields of a configuration ask for them
"""
