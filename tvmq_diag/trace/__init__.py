"""A recorded compile, read back: journal, op tables, failures. Starts nothing, draws nothing."""
