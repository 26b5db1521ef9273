#!/bin/bash
# Trains on a machine with a GPU that is yours for minutes: train_for.sh SECONDS TRAINER RUN [flags of `trainer train`]
#
# Nothing is built or fetched there, so no minute is lost. Bring the program, the pictures and the run folder, if there is one: a run
# that has a checkpoint is continued, with the flags that `--resume` takes. SECONDS after its start it is asked to save and stop.
set -euo pipefail
if (($# < 3)); then
    sed -n 's/^# Trains.*: \(train_for\.sh .*\)/usage: \1/p' "$0" >&2
    exit 2
fi
seconds=$1 trainer=$2 run=$3
shift 3
if compgen -G "$run/checkpoints/step-*" >/dev/null; then set -- --resume "$@"; fi

# 124: the time is over. Ctrl-C is how a user asks for the same; in the foreground it reaches the trainer. A minute is enough to save
# any network.
status=0
timeout --foreground --signal=INT --kill-after=60 "$seconds" "$trainer" train --out "$run" "$@" || status=$?
if ((status != 0 && status != 124)); then exit "$status"; fi
compgen -G "$run/checkpoints/step-*"
