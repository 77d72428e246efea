"""The record of a test session whose tests ran under the recorder: see instruments.pytest_recorder.

A JSON object a line: the session first, then each test when it has ended.
"""

from __future__ import annotations

RECORD = "tests.jsonl"
"""Its file name, in the session's folder."""

TRACES = "traces"
"""The folder of the tests' traces there."""

SESSION, TEST = "session", "test"
"""The kinds of lines, by their key `kind`."""
