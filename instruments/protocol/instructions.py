"""What instructions are called by what they do: the classes that kernels are counted by.

Standard library only: both halves of the project tell them apart.
"""

DOT = "dot product"
WIDENING = "widening multiply"
INTEGER = "integer multiply"
SCALAR_MULTIPLY = "scalar multiply"
FMA = "float multiply-add"
FLOAT = "other float"
VECTOR = "other vector"
SCALAR = "scalar"

CLASSES = (DOT, WIDENING, INTEGER, SCALAR_MULTIPLY, FMA, FLOAT, VECTOR, SCALAR)
"""A dot product sums several products of a lane at once; a widening multiply gives products of
twice the width, an integer multiply (of vectors) of the same; the rest is what it is called."""

MULTIPLIES = (DOT, WIDENING, INTEGER, SCALAR_MULTIPLY, FMA)
"""Those that say how a kernel multiplies."""
