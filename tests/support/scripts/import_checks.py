"""What imports of model files come to. Runs in a TVM, in the folder of the files."""

from __future__ import annotations

from instruments.inputs.errors import ImportRejected, ModelError
from instruments.protocol.jobs import ModelSource


class Checks:
    """Imports with one dialect's `load`."""

    def __init__(self, load):
        self._load = load

    def gives(self, source, shapes, inputs):
        """Asserts the shapes of the inputs, in order."""
        model = self._load(ModelSource(source, shapes))
        shapes = {name: list(array.shape) for name, array in model.inputs.items()}
        assert list(shapes.items()) == list(inputs.items()), (source, shapes)
        return model

    def refused(self, source, node, op, words, shapes=None):
        """Asserts the node that the importer refuses, and what is said of it."""
        try:
            self._load(ModelSource(source, shapes))
        except ImportRejected as error:
            assert (error.node, error.op) == (node, op), (source, error.node, error.op)
            assert words in str(error), (source, error)
        else:
            raise SystemExit(f"{source} was imported")

    def unusable(self, source, words, shapes=None):
        """Asserts what is said, on one line, of a model that cannot be had."""
        try:
            self._load(ModelSource(source, shapes))
        except ModelError as error:
            assert words in str(error) and "\n" not in str(error), (source, error)
        else:
            raise SystemExit(f"{source} was imported")
