"""What a trace means: the verdict and its reasons, coverage, hazards, the dtype timeline."""
