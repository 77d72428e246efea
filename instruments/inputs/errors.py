"""What is wrong with what a person gave, as against what TVM makes of it."""

from __future__ import annotations


class ModelError(Exception):
    """The model or the data cannot be had as asked for; the message says what to change."""
