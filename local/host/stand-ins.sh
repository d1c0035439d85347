#!/bin/bash
# The commands of a host, all in one file under many names. A command or an option that is not modelled is an error of
# the harness (file `unmodelled`), never a no-op. Bash 3.2 is enough. Mounts are symbolic links to the mounted directory.
S=$HOST_SCRATCH H=$HOST_SCRATCH/.host name=${0##*/}
PATH=$H/real
. "$H/answers"
line="$name${*:+ $*}"
# builtins only where it is easy: a boot calls hundreds of stand-ins
count() { n=0; [ ! -e "$H/counts/$1" ] || read -r n <"$H/counts/$1"; n=$((n + 1)); echo $n >"$H/counts/$1"; }
unmodelled() { echo "${line//$S/}" >>"$H/unmodelled"; exit 125; }
failed() { echo "$name: ${1//$S/}" >&2; exit "${2:-1}"; }
die() { kill -KILL 0; } # its process group, which is the script that called it
# what was not synced is empty afterwards, or gone
lose_power() {
  find "$S/etc/fstab" "$S/etc/systemd" "$S/usr/local/sbin" -newer "$H/synced" ! -type d | while read -r path; do
    if [ -L "$path" ]; then rm "$path"; else : >"$path"; fi
  done
  kill -KILL -- $HOST_GROUPS
}
endless() { : >"$H/hangs"; kill -KILL -- $HOST_GROUPS; }
# until its time is up
hang() {
  if [ -n "$HOST_TIMEOUT" ]; then pass "$HOST_TIMEOUT"; exit 124; fi
  if [ -n "$HOST_START_TIMEOUT" ]; then pass "$HOST_START_TIMEOUT"; die; fi
  endless
}
# around a spot notice several loops sleep at once: their time is not counted
pass() {
  read -r now <"$H/seconds"
  now=$((now + $1))
  [ "$HOST_MODE" = notice ] || echo $now >"$H/seconds"
  appear
}
# directories of file systems that can be seen by now
appear() {
  read -r now <"$H/seconds"
  while IFS=$'\t' read -r id path after; do
    [ "$now" -lt "$after" ] || [ -d "$H/lustre/$id$path" ] || mkdir -p "$H/lustre/$id$path"
  done <"$H/directories"
}
in_host() { PATH=$H/bin "$@"; }

strike() {
  case $strikeDoes in
    fails) failed "struck" ;;
    hangs) hang ;;
    'is killed') [ -e "$H/struck" ] || { : >"$H/struck"; die; } ;;
    'loses power') lose_power ;;
  esac
}
case $strikeAt in
  '') ;;
  [0-9]*) count commands; [ "$n" != "$strikeAt" ] || strike ;;
  *) case "${line//$S/}" in "$strikeAt"*) strike ;; esac ;;
esac
echo "${line//$S/}" >>"$H/commands"

# $H/mounts: target, source, type, ro|rw, root|bind, directory of the file system, file system id
write_mounts() {
  mv "$H/mounts.new" "$H/mounts"
  while IFS=$'\t' read -r target source type mode _; do echo "$source $S$target $type $mode,relatime 0 0"; done <"$H/mounts" >"$S/proc/mounts"
}
# the mount that a path lies on, in m_*
mount_of() {
  local path=${1#"$S"} target source type mode kind root id best=-1
  m_target='' m_source='' m_type=xfs m_mode=rw m_root='' m_id=''
  while IFS=$'\t' read -r target source type mode kind root id; do
    case "$path/" in
      "$target"/*) [ ${#target} -ge $best ] && best=${#target} m_target=$target m_source=$source m_type=$type m_mode=$mode m_root=$root m_id=$id ;;
    esac
  done <"$H/mounts"
  m_rest=${path#"$m_target"}
}
is_mount_point() { mount_of "$1"; [ -n "$m_target" ] && [ "$m_target" = "${1#"$S"}" ]; }
hidden() { echo "$H/hidden/$(echo "${1#"$S"}" | tr / %)"; }
# puts a directory over a path: target, directory, then the columns of the table behind the target
over() {
  local target=$1 shown=$2 hide
  hide=$(hidden "$target")
  [ -d "$target" ] || failed "$target: mount point does not exist." 32
  [ ! -e "$hide" ] || failed "$target: already mounted" 32
  mv "$target" "$hide" && ln -s "$shown" "$target"
  shift 2
  { cat "$H/mounts"; printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${target#"$S"}" "$@"; } >"$H/mounts.new" && write_mounts
}
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
locked() { # can nothing be created at this (absolute) path
  local dir=${1%/*}
  mount_of "$1"
  [ "$m_mode" = ro ] && return 0
  while [ -n "$dir" ] && [ "$dir" != "$S" ]; do
    [ -d "$dir" ] && { grep -qx "${dir#"$S"}" "$H/immutable"; return; }
    dir=${dir%/*}
  done
  return 1
}

do_mount() {
  local type='' options='' bind='' words=() source target address known available version n shown
  while [ $# -gt 0 ]; do
    case $1 in
      -t) type=$2; shift 2 ;;
      -o) options=$2; shift 2 ;;
      --bind | -B) bind=yes; shift ;;
      -*) unmodelled ;;
      *) words[${#words[@]}]=$1; shift ;;
    esac
  done
  case ",$options," in
    *,remount,*)
      target=${words[${#words[@]}-1]}
      is_mount_point "$target" || failed "$target: mount point not mounted or bad option." 32
      awk -F '\t' -v OFS='\t' -v t="${target#"$S"}" -v o="${options##*,}" '$1 == t && (o == "ro" || o == "rw") { $4 = o } { print }' "$H/mounts" >"$H/mounts.new"
      write_mounts
      return ;;
  esac
  if [ -n "$bind" ]; then
    source=${words[0]} target=${words[1]}
    [ "$bindFails" = true ] && failed "$target: bind mount failed." 32
    [ -d "$source" ] || failed "$target: special device $source does not exist." 32
    shown=$(cd "$source" && pwd -P)
    mount_of "$source"
    over "$target" "$shown" "${source#"$S"}" "$m_type" "$m_mode" bind "${m_root%/}$m_rest" "$m_id"
    return
  fi
  if [ ${#words[@]} = 1 ]; then
    target=${words[0]}
    read -r source type options <<END
$(awk -v t="$target" '$1 !~ /^#/ && $2 == t { print $1, $3, $4 }' "$S/etc/fstab")
END
    [ -n "$type" ] || failed "$target: can't find in /etc/fstab." 1
  else
    source=${words[0]} target=${words[1]}
  fi
  local mode=rw
  case ",$options," in *,ro,*) mode=ro ;; esac
  case $type in
    tmpfs)
      [ "$tmpfsFails" = true ] && failed "$target: permission denied." 32
      count tmpfs
      mkdir -p "$H/tmpfs/$n"
      over "$target" "$H/tmpfs/$n" "$source" tmpfs $mode root / '' ;;
    lustre)
      [ -e "$H/installed" ] || failed "$target: unknown filesystem type 'lustre'." 32
      count mount
      read -r now <"$H/seconds"
      [ $n -gt "$mountHangs" ] || hang
      [ $n -le $((mountHangs + mountFailures)) ] && failed "mount.lustre: mount $source at $target failed: Input/output error" 5
      while IFS=$'\t' read -r address known version available; do
        [ "$source" = "$address@tcp:/$known" ] && [ "$now" -ge "$available" ] || continue
        [ "$version" != 2.10 ] || failed "mount.lustre: mount $source at $target failed: Invalid argument" 22
        over "$target" "$H/lustre/${address%%.*}" "$source" "$mountType" $mode root / "${address%%.*}"
        appear
        return
      done <"$H/file-systems"
      failed "mount.lustre: mount $source at $target failed: No such file or directory" 2 ;;
    *) unmodelled ;;
  esac
}

case $name in
  mount) do_mount "$@" ;;
  umount)
    target='' # a tree that is in use is not modelled, so -l does what a plain umount does
    for word in "$@"; do case $word in -c | -l | -f) ;; -*) unmodelled ;; *) target=$word ;; esac; done
    is_mount_point "$target" || failed "$target: not mounted." 32
    [ ! -e "$H/offline" ] || [ "$m_type" != lustre ] || hang
    rm "$target" && mv "$(hidden "$target")" "$target"
    awk -F '\t' -v t="${target#"$S"}" '$1 != t' "$H/mounts" >"$H/mounts.new" && write_mounts ;;
  mountpoint)
    [ "$1" = -q ] && [ $# = 2 ] || unmodelled
    is_mount_point "$2" ;;
  findmnt)
    columns='' path=''
    while [ $# -gt 0 ]; do
      case $1 in
        -n) shift ;;
        -o) columns=$2; shift 2 ;;
        -M | --mountpoint) path=$2; shift 2 ;;
        *) unmodelled ;;
      esac
    done
    is_mount_point "$path" || exit 1
    out=''
    for column in ${columns//,/ }; do
      case $column in
        FSTYPE) out="$out $m_type" ;;
        FSROOT) out="$out ${m_root:-/}" ;;
        SOURCE) out="$out $m_source" ;;
        TARGET) out="$out $path" ;;
        *) unmodelled ;;
      esac
    done
    echo "${out# }" ;;
  stat)
    if [ "$1" = -f ]; then
      [ "$2 $3" = '-c %T' ] && [ $# = 4 ] || unmodelled
      [ -e "$4" ] || failed "cannot read file system information for '$4': No such file or directory"
      mount_of "$4"
      echo "$m_type"
    else
      stat "$@"
    fi ;;
  mkdir)
    for word in "$@"; do
      case $word in
        -*) ;;
        *) [ -d "$word" ] || ! locked "$(absolute "$word")" || failed "cannot create directory '$word': Read-only file system" ;;
      esac
    done
    mkdir "$@" ;;
  chown) for word in "${@:2}"; do [ -e "$word" ] || failed "cannot access '$word': No such file or directory"; done ;;
  cp) cp "$@" ;;
  chattr)
    [ "$1" = +i ] && [ $# = 2 ] || unmodelled
    echo "${2#"$S"}" >>"$H/immutable" ;;
  dnf)
    [ "$*" = 'install -y lustre-client' ] || unmodelled
    count install
    [ $n -gt "$installFailures" ] || { echo 'Amazon Linux 2023 repository   0.0  B/s |   0  B'; failed "Error: Failed to download metadata for repo 'amazonlinux' (try $n)"; }
    : >"$H/installed"
    ln -sf "$(readlink "$H/bin/mount")" "$H/bin/mount.lustre" ;;
  timeout)
    while :; do case $1 in -k | -s) shift 2 ;; -*) unmodelled ;; *) break ;; esac; done
    export HOST_TIMEOUT=${1%s}
    shift
    in_host "$@" ;;
  sleep)
    pass "${1%s}"
    # a loop without an end hangs; loops that run side by side are counted by an appended byte
    printf . >>"$H/counts/sleeps"
    [ "$(wc -c <"$H/counts/sleeps")" -lt 500 ] && [ "$now" -lt 86400 ] || endless
    if [ "$HOST_MODE" = notice ]; then
      if [ "$containerEnds" = true ]; then sleep 10; endless; else sleep 0.01; fi
    fi ;;
  curl)
    # instance metadata, version 2 only (C9)
    header='' method=GET url='' out=/dev/stdout
    while [ $# -gt 0 ]; do
      case $1 in
        -X) method=$2; shift 2 ;;
        -H) header=$2; shift 2 ;;
        -m) shift 2 ;;
        -o) out=$2; shift 2 ;;
        -sf | -s | -f) shift ;;
        -*) unmodelled ;;
        *) url=$1; shift ;;
      esac
    done
    case "$method $url" in
      'PUT http://169.254.169.254/latest/api/token')
        case $header in 'X-aws-ec2-metadata-token-ttl-seconds: '*) echo metadata-token ;; *) exit 22 ;; esac ;;
      'GET http://169.254.169.254/latest/meta-data/spot/instance-action')
        [ "$header" = 'X-aws-ec2-metadata-token: metadata-token' ] || exit 22
        count looks
        [ "$HOST_MODE" = notice ] && [ $n -ge "$spotNoticeAtLook" ] || exit 22
        # it comes when the host has had the time to hear of the container, but no sleep has ended
        [ "$containerEnds" != true ] || for look in {1..100}; do grep -q '^sync ' "$H/commands" && break; sleep 0.05; done
        echo '{"action":"terminate","time":"2026-11-22T12:00:00Z"}' >$out ;;
      *) unmodelled ;;
    esac ;;
  docker)
    case $1 in
      ps) [ "$2" = -q ] || unmodelled; echo 4c01db0b339c ;;
      stop) ;;
      events) [ "$containerEnds" != true ] || echo 1; sleep 600 ;;
      *) unmodelled ;;
    esac ;;
  shutdown | poweroff | halt)
    case "$name $*" in 'shutdown -h now' | poweroff | halt) : >"$H/powered-off" ;; *) unmodelled ;; esac ;;
  sync)
    mount_of "$(absolute "$2")"
    if [ "$m_type" = lustre ]; then [ ! -e "$H/offline" ] || hang; else : >"$H/synced"; fi ;;
  logger | lfs | lctl | modprobe | mount.lustre) ;;
  *) unmodelled ;;
esac
