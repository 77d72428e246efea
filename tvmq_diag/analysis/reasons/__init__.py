"""Why TVM does what it does: every clause that can stand as a reason, with the source it was read
in. docs/reasons.md lists them (scripts/reasons.py)."""
