#!/usr/bin/env bash
# Find the commit of TVM that broke its quantizer. In a clone of TVM:
#
#   tvmq-diag trace --model tiny --dtype int8/int8/int32 --out /tmp/good     # on the TVM that works
#   export TVMQ_BASELINE=/tmp/quantizer.toml
#   tvmq-diag check $TVMQ_BASELINE --run /tmp/good --write
#   export TVMQ_GOOD=v0.16.0                   # the commit that the installed TVM is of
#   git bisect start main $TVMQ_GOOD
#   git bisect run CHECKOUT/examples/bisect/quantizer.sh
#
# Nothing is built: what lies between $TVMQ_GOOD and the commit at hand goes, as a diff, onto a copy
# of the installed TVM's Python files. So a commit behind a change of C++ cannot be tried, nor one
# whose Python does not import: those are skipped.
#
# TVMQ_PYTHON  the interpreter of the installed TVM; without it the tool's own TVM 0.16
# TVMQ_DIAG    how to call the tool (tvmq-diag)
#
# Exit code, as `git bisect run` wants it: 0 the baseline is kept, 1 it is not, 125 not tried,
# 128 or more: the bisection ends.

set -uo pipefail
if [ ! -f "${TVMQ_BASELINE:-}" ]; then
  echo "TVMQ_BASELINE is no file: make one with tvmq-diag check FILE --run RUN --write" >&2
  exit 128
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git diff --no-ext-diff "${TVMQ_GOOD:-}" HEAD -- python/tvm src include > "$work/change.diff" || exit 128
words=(check "$TVMQ_BASELINE" --out "$work/run")
if [ -s "$work/change.diff" ]; then words+=(--patch "$work/change.diff"); fi
if [ -n "${TVMQ_PYTHON:-}" ]; then words+=(--tvm-python "$TVMQ_PYTHON"); fi

# shellcheck disable=SC2086  # several words
${TVMQ_DIAG:-tvmq-diag} "${words[@]}"
code=$?
case $code in
  0 | 1) exit $code ;;
  2 | 3) exit 125 ;;
  *) exit 128 ;;
esac
