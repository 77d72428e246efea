"""A pass that raises breaks PassTimingInstrument for all that its thread compiles afterwards."""

import contextlib

import tvm
from tvm.ir.instrument import PassTimingInstrument


@tvm.transform.module_pass(opt_level=0, name="Refuses")
def refuses(module, context):
    raise ValueError("no")


@tvm.transform.module_pass(opt_level=0, name="Works")
def works(module, context):
    return module


def timed(step):
    timing = PassTimingInstrument()
    with tvm.transform.PassContext(instruments=[timing]):
        with contextlib.suppress(ValueError):
            step(tvm.IRModule())
        return timing.render()


print(tvm.__version__, timed(works).split()[0], flush=True)
for step in (refuses, works):
    try:
        print(timed(step), flush=True)
    except Exception as error:
        print(str(error).splitlines()[-1], flush=True)
