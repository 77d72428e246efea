"""What this project puts into TVM's own quantizer for Relay, between calibrate and realize.

behind_calibrate   how passes come in there, whoever calls quantize()
weight_bits        bits of each weight, where TVM has one width for all, biases among them
own_fields         which fields of a configuration ask for them
"""
