"""Doing what was asked: compiles, follow-ups and benchmarks in TVM processes."""
