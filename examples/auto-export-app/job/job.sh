#!/bin/sh
# Works through PIECES pieces, a file each, and can be killed at any moment: Batch starts the image again on another
# instance, with the same file system, and this script does only what is not done yet.
set -eu

pieces=${PIECES:-20}
pause=${SECONDS_PER_ROW:-1}
# A folder a run: all attempts of a run have the same id. What other runs left is on the file system, too.
folder=$LUSTRE_PATH/$LUSTRE_RUN_ID

# Stands for the real work.
compute() {
  row=0
  while [ "$row" -lt 10 ]; do
    row=$((row + 1))
    echo "$1,$row,$(($1 * row))"
    sleep "$pause"
  done
}

# What a reclaim sends first; a SIGKILL follows. Not exit code 0, which would mean that all is done.
trap 'echo "stopped: an unfinished piece is begun anew"; exit 143' TERM

mkdir -p "$folder"
piece=0
while [ "$piece" -lt "$pieces" ]; do
  piece=$((piece + 1))
  result=$folder/piece-$piece.csv
  if [ -e "$result" ]; then
    echo "piece $piece of $pieces: was done before"
    continue
  fi
  # Under another name until it is whole: a file that was half written when its host died may be exported minutes later.
  compute "$piece" >"$result.part" &
  wait $! # in the background, because sh acts on a signal only between commands
  # The data has to be on the file servers before the name says so.
  sync "$result.part"
  # All or nothing: the file with this name is the checkpoint. It is closed, so it is exported while the job goes on.
  mv "$result.part" "$result"
  echo "piece $piece of $pieces: done"
done
