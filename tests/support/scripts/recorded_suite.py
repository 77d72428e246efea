"""Tests of TVM in every way that pytest knows, copied into a test's folder as test_suite.py."""

from __future__ import annotations

import unittest

import pytest
import tvm
from own_script import convert


@pytest.mark.parametrize("layout", ["NHWC", "NHWC3"])
def test_layout(layout):
    convert(layout)


def test_caught():
    with pytest.raises(ValueError, match="not yet"):
        convert()
    assert not tvm.transform.PassContext.current().instruments


def test_mine():
    with pytest.raises(ValueError, match="not yet"):
        convert()
    raise RuntimeError("mine")


class TestClass:
    @pytest.mark.xfail(raises=ValueError)
    def test_expected(self):
        convert()

    @pytest.mark.xfail
    def test_unexpected(self):
        convert("NHWC")


class TestOld(unittest.TestCase):
    def test_unittest(self):
        convert()


def test_skip():
    pytest.skip("no")


@pytest.fixture
def broken():
    convert()


def test_fixture(broken):
    pass
