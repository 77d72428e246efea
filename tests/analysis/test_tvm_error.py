from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.analysis import tvm_error
from tvmq_diag.results.verdict import ThrowSite
from tvmq_diag.trace.failure import Raised

# The end of what TVM 0.16 says of int4, as it came from the compile.
INT4 = """Traceback (most recent call last):
  7: tvm::relay::ForwardRewriter::Rewrite_(tvm::relay::CallNode const*, tvm::RelayExpr const&)
  5: _ZN3tvm7runtime13PackedFuncObj
  3: tvm::relay::quantize::AddRealize(tvm::relay::Call const&, tvm::runtime::String)
  2: tvm::relay::quantize::UnifyDTypeScale(tvm::runtime::Array<tvm::RelayExpr, void> const&)
  1: tvm::relay::quantize::MulAndDiv(tvm::RelayExpr, float, float, tvm::runtime::DataType)
  0: tvm::relay::Constant tvm::relay::MakeConstantScalar<int>(tvm::runtime::DataType, int)
  File "/src/x/hhb/src/relay/quantize/../qnn/./op/../../op/../transforms/pattern_utils.h", line 290

TVMError: unknown data type int4
"""


def test_the_sentence_the_site_and_the_rule_that_led_there() -> None:
    thrown = tvm_error.read(INT4)
    assert thrown.message == "unknown data type int4"
    assert thrown.site is not None
    assert thrown.site.function == "tvm::relay::MakeConstantScalar<int>"
    assert thrown.site.file == "src/relay/transforms/pattern_utils.h"
    assert thrown.site.line == 290
    assert [function.rpartition("::")[2] for function in thrown.via] == [
        "AddRealize",
        "UnifyDTypeScale",
        "MulAndDiv",
        "MakeConstantScalar<int>",
    ]


def test_awkward_signatures_keep_their_names() -> None:
    text = (
        "  2: tvm::operator<<(tvm::PrimExpr, tvm::PrimExpr)\n"
        "  1: tvm::(anonymous namespace)::type_check(tvm::PrimExpr const&)\n"
        "  0: std::function<void (int)>::operator()(int) const\n"
    )
    assert tvm_error.read(text).via == [
        "tvm::operator<<",
        "tvm::{anonymous}::type_check",
        "std::function<void (int)>::operator()",
    ]


def test_a_check_of_an_old_tvm_loses_its_empty_tail() -> None:
    text = "Traceback\n  Check failed: dtype.bits % 8 == 0 (2 vs. 0) : \n"
    assert tvm_error.sentence(text) == "Check failed: dtype.bits % 8 == 0 (2 vs. 0)"


def test_a_python_site_is_shown_inside_its_package() -> None:
    site = tvm_error.python_site(Raised("f", "/x/lib/site-packages/tvm/topi/conv2d.py", 3))
    assert site is not None
    assert site.file == "tvm/topi/conv2d.py"


def test_where_errors_of_cpp_come_out_is_no_site() -> None:
    raised = Raised("CHECK_CALL", "tvm/_ffi/_cython/./base.pxi", 181)
    assert tvm_error.python_site(raised) is None


# The end of what TVM 0.9 says of kl_divergence: 0.16 raises the TypeError itself.
CALLED_BACK = """Traceback (most recent call last):
  2: tvm::relay::ExprVisitor::VisitExpr_(tvm::relay::CallNode const*)
  0: tvm::runtime::PackedFuncObj::Extractor<tvm::runtime::PackedFuncSubObj<F> >::Call(int)
  File "tvm/_ffi/_cython/./packed_func.pxi", line 56, in tvm._ffi._cy3.core.tvm_callback
  File "/x/lib/python3.10/site-packages/tvm/relay/quantize/_calibrate.py", line 163, in visit_func
    const_params[ndom_scale] = _make_const(scale / valid_range)

TVMError:
TypeError: unsupported operand type(s) for /: 'tuple' and 'int'
"""


def test_what_a_called_back_function_raised_was_thrown_there() -> None:
    thrown = tvm_error.read(CALLED_BACK)
    assert thrown.message == "unsupported operand type(s) for /: 'tuple' and 'int'"
    assert thrown.site == ThrowSite("visit_func", "tvm/relay/quantize/_calibrate.py", 163)


def test_what_cpp_threw_inside_a_called_back_function_was_thrown_in_cpp() -> None:
    site = tvm_error.read(CALLED_BACK + INT4).site
    assert site is not None
    assert site.function == "tvm::relay::MakeConstantScalar<int>"


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    tvm_error.read(text)


def test_a_message_that_ends_in_a_module_is_told_by_its_first_line() -> None:
    text = "ValueError: StructuralEqual check failed, caused by lhs at x:\ndef @main() {\n  x\n}\n"
    assert tvm_error.sentence(text) == "StructuralEqual check failed, caused by lhs at x"
