"""The machine code of a compiled model, read: which instructions each kernel consists of.

`listing` takes assembly apart, `loops` finds the loops of a function, `instructions` says what an
instruction is, `kernel_code` puts together what is kept of a kernel.
"""
