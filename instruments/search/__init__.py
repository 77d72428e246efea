"""How few bits keep a model right: bits, scales and ranges tried on one compiled model.

A calibrated module is compiled once with the numbers of each quantization step as parameters
(instruments/relay/probe.py); a trial sets them and runs it. What a simulation shows is rounding and
clipping: whatever is advised has to be compiled for real and judged.
"""
