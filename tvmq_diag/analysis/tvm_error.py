"""Read the text of a TVM error: the sentence that matters, and the C++ functions it came through.

TVM's errors (src/runtime/logging.cc, Backtrace) list frames outermost first as `  12: function`,
with `  File "…", line 9` behind the throwing one only, and end in `ErrorClass: message`. TVM 0.9
makes one text of all that an error came through: what a Python function raised that C++ called has
that function's own frames behind those (python/tvm/_ffi/_cython/packed_func.pxi, tvm_callback).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..results.verdict import ThrowSite
from ..trace.failure import Raised

_FRAME = re.compile(r"^\s*(\d+): (.+)$", re.M)
_PLACE = re.compile(r'^\s*File "([^"]+)", line (\d+)\s*$', re.M)
_IN_PYTHON = re.compile(r'^\s*File "([^"]+)", line (\d+), in (.+)$', re.M)
_CLASS = re.compile(r"^(?:[\w.]+(?:Error|Exception)):\s*")
_CLASS_ALONE = re.compile(r"^[\w.]+(?:Error|Exception)$")
_PLUMBING = re.compile(
    r"PackedFunc|^_Z|ExprFunctor|Mutator|Rewriter|PassNode|SequentialNode|Pass::operator|TVMFuncCall"
)
"""Functions through which every pass goes, and that say nothing about this one."""
_WALKING = re.compile(r"VisitStmt_|VisitExpr_|CreateSerialFor")
"""Functions that walk a tree, dozens of times in a row."""
_VERSION = re.compile(r'#\[version = "[\d.]+"\]\s*')
"""The head of IR as text (src/relay/printer, AsText), on a line of its own before it."""
_OPERATOR = re.compile(r"operator(?:\(\)|[^\w\s(]+)")
_LONGEST = 90
_INTERFACE = "tvm/_ffi/"


@dataclass(frozen=True)
class Thrown:
    """What an error says: its sentence, where it was thrown, and the C++ functions that led there.

    `site` is None where the text names no place. `via` begins with the first function that is no
    plumbing and ends with the one that threw; empty where Python threw. `statement` is the line
    that raised it, of what a Python function raised that C++ called; None elsewhere.
    """

    message: str
    site: ThrowSite | None
    via: list[str]
    statement: str | None = None

    @property
    def silent(self) -> bool:
        """Does it say nothing? TVM 0.9 says the class of such an exception then."""
        return not self.message or (
            self.statement is not None and _CLASS_ALONE.match(self.message) is not None
        )


def read(text: str) -> Thrown:
    """Take the text of a TVM error apart. Any text will do: what it does not say is left out."""
    matches = list(_FRAME.finditer(text))
    signatures = [match.group(2) for match in matches]
    frames = [_short(signature) for signature in signatures]
    after = matches[-1].end() if matches else len(text)
    raised = _raised_in_python(text, after)
    if raised is not None:
        last = list(_IN_PYTHON.finditer(text, after))[-1]
        line = text[last.end() :].strip().partition("\n")[0]
        return Thrown(sentence(text), raised, [], line or None)
    via: list[str] = []
    for short, signature in zip(reversed(frames), reversed(signatures), strict=True):
        if _PLUMBING.search(signature.split("(", 1)[0]):
            break
        if not _WALKING.search(short):
            via.insert(0, short if len(short) <= _LONGEST else short[:_LONGEST] + "…")
    place = _PLACE.search(text)
    site = None
    if frames or place:
        site = ThrowSite(
            frames[-1] if frames else None,
            _in_tree(place.group(1)) if place else None,
            int(place.group(2)) if place else None,
        )
    return Thrown(sentence(text), site, via)


def python_site(raised: Raised) -> ThrowSite | None:
    """The site of a Python exception.

    None for TVM's own foreign function interface, where errors of C++ come out.
    """
    file = _in_tree(raised.file)
    return None if file.startswith(_INTERFACE) else ThrowSite(raised.function, file, raised.line)


def _raised_in_python(text: str, after: int) -> ThrowSite | None:
    """The last Python frame of an error's text, if there is one behind the last of C++."""
    frames = [
        python_site(Raised(function, file, int(line)))
        for file, line, function in _IN_PYTHON.findall(text, after)
    ]
    return next(filter(None, reversed(frames)), None)


def sentence(text: str) -> str:
    """The last line of an error, without its class and the head of IR in it; where that is the end
    of a module's text (tvm.ir.assert_structural_equal), the first."""
    lines = [line.strip() for line in _VERSION.sub("", text).splitlines() if line.strip()]
    if not lines:
        return ""
    telling = lines[-1] if re.search(r"\w", lines[-1]) else lines[0]
    return _CLASS.sub("", telling).rstrip(" :")


def _short(signature: str) -> str:
    """`tvm::relay::MakeConstantScalar<int>` of a signature with result and parameters."""
    text = signature.replace("(anonymous namespace)", "{anonymous}")
    symbol = _OPERATOR.search(text)
    if symbol:  # its brackets are no brackets
        text = text.replace(symbol.group(), "operator$", 1)
    depth = 0
    start, end = 0, len(text)
    for i, character in enumerate(text):
        if character in "<{[":
            depth += 1
        elif character in ">}]":
            depth -= 1
        elif depth == 0 and character == " ":
            start = i + 1
        elif depth == 0 and character == "(":
            end = i
            break
    name = text[start:end] or signature
    return name.replace("operator$", symbol.group()) if symbol else name


def _in_tree(path: str) -> str:
    """The path inside TVM's source tree, without the build machine's folders and detours."""
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    # The last such folder: /src/nfs/…/hhb/src/relay/…
    roots = [i for i, part in enumerate(parts[:-1]) if part in ("src", "include")]
    return "/".join(parts[roots[-1] :]) if roots else "/".join(parts)
