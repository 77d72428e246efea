"""What TVM's objects are called in signatures: names for a reader, as TVM itself has no types.

A type checker takes them for Any. Each dialect has its own classes of the same name.
"""

from __future__ import annotations

from typing import Any

IRModule = Any
"""tvm.IRModule: functions by name."""

Expr = Any
"""A node of a function's body, relay.Expr or relax.Expr."""

Call = Any
"""An Expr: an operator or a function, and its arguments."""

Function = Any
"""A function of a module, of the dialect's own or lowered (tir.PrimFunc)."""

Type = Any
"""The type of an Expr: checked_type in Relay, ty or struct_info in Relax."""

Attrs = Any
"""The attributes of a call."""

Target = Any
"""tvm.target.Target: what code is generated for."""

NDArray = Any
"""TVM's array, whatever it is called in this version; has `numpy()`."""

Library = Any
"""What a build returns: relay's factory module, or a relax VMExecutable."""

PassInfo = Any
"""tvm.ir.transform.PassInfo: name, opt_level, required."""

QConfig = Any
"""The quantizer's configuration, TVM's own or that of relax.quantizer; a context manager."""
