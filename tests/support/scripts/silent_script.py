"""Quantize small nets under QuantizeTrace, one after the other, and say where the traces are. Runs
in a TVM with Relay: `silent_script.py CASES FOLDER JSON`, JSON an object of net:fields by name."""

from __future__ import annotations

import json
import sys

import tvm
from tvm import relay

from instruments import QuantizeTrace


def main(cases: str, folder: str, wanted: str) -> None:
    sys.path.insert(0, cases)
    import relay_nets

    for name, (net, fields) in json.loads(wanted).items():
        module, params = getattr(relay_nets, net)()
        target = tvm.target.Target("llvm -mtriple=x86_64-unknown-linux-gnu")
        try:
            with (
                QuantizeTrace(f"{folder}/{name}"),
                relay.quantize.qconfig(**fields),
                tvm.transform.PassContext(opt_level=3),
            ):
                module = relay.quantize.quantize(module, params)
                if net == "tiny_bias":
                    relay.build(module, target=target)
        except Exception as error:
            print(name, type(error).__name__)


main(*sys.argv[1:])
