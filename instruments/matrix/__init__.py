"""One cell of the support matrix: an op in a dtype, step by step."""
