"""Relax, the IR of TVM since 0.20. Everything here needs a TVM of today (0.25 or newer)."""
