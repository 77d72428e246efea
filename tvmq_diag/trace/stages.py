"""The names that a journal uses for stages, dialects and passes, for all who read one."""

from __future__ import annotations

from ..instruments.protocol import schema

FOLDING = schema.FOLDING
RELAX = schema.RELAX
RELAY = schema.RELAY
SEQUENCE = schema.SEQUENCE
STAGES = schema.STAGES
TYPE_ONLY = schema.TYPE_ONLY
WRAPPERS = schema.WRAPPERS
