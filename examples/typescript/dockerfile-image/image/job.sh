#!/bin/sh
# Makes $PARTS files. After a SPOT reclaim the same script begins again on another instance, and finds what is already there.
set -eu

echo "attempt ${AWS_BATCH_JOB_ATTEMPT:-1}"
part=1
while [ "$part" -le "${PARTS:-10}" ]; do
  file="$LUSTRE_PATH/part-$part"
  if [ ! -e "$file" ]; then
    # the real work; what is half done has another name, so that no later attempt takes it for done
    seq "$part" 1000 | sha256sum > "$file.tmp"
    sync "$file.tmp" # the data has to be on the file servers before the name says so
    mv "$file.tmp" "$file"
  fi
  part=$((part + 1))
done
