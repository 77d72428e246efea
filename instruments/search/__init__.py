"""How few bits keep a model right: bits, scales and ranges tried on one compiled model.

A calibrated module is compiled once with the numbers of each quantization step as parameters
(instruments/relay/probe.py, instruments/relax/probe.py); a trial sets them and runs it. What a
simulation shows is rounding and clipping: whatever is advised has to be compiled for real and
judged.

setting      what a trial sets; ranges.py of each dialect has the numbers that it comes to
trials       runs of it, each once, written down as soon as they are known
search       ranges, then bits of all weights, of each weight, of activations
mixed        bits of each weight: measured, assigned, run, corrected
assignment   the model behind that: how the noises of weights add up
"""
