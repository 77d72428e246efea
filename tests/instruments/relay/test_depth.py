"""How deep a module is, and what is said of one that is too deep."""

from __future__ import annotations

from support.paths import InTvm

SCRIPT = """
import resource
import tvm
from tvm import relay
from instruments import stack
from instruments.inputs.errors import ModelError
from instruments.relay.ir import depth

def chain(length):
    at = relay.var("x", shape=(1, 4))
    for _ in range(length):
        at = relay.nn.relu(at)
    return tvm.IRModule.from_expr(at)

resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
assert depth.deepest(chain(3)) == 5  # with the input and the function
long = chain(12_000)
try:
    depth.check(long)
except ModelError as error:
    print(error)
stack.deepen()
depth.check(long)
print(stack.mib())
resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
stack.deepen()
print(stack.mib())
"""


def test_a_chain_too_deep_for_the_stack_is_told_before_tvm_dies_of_it(in_tvm: InTvm) -> None:
    done = in_tvm(SCRIPT)
    assert done.returncode == 0, done.stderr
    refusal, deepened, unlimited = done.stdout.splitlines()
    assert refusal.startswith("this model is 12,002 ops deep") and "ulimit -s unlimited" in refusal
    assert (deepened, unlimited) == ("120.0", "None")
