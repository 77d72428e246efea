"""The pass and the op that a wrong result comes from."""
