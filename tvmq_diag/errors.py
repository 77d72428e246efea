"""What the tool raises when it cannot do its work.

Each message is one line that says what is wrong and what to do about it: the command line prints
it as it is and exits with the class's code. A model that TVM cannot compile is no such error, it
is a verdict.
"""


class DiagError(Exception):
    """The tool could not do what was asked."""

    exit_code: int = 3


class UsageError(DiagError):
    """The command line, or an argument, asks for something that does not exist."""

    exit_code = 2


class SetupError(DiagError):
    """Something the tool needs is not there: an interpreter, a TVM, disk space, a network."""

    exit_code = 3
