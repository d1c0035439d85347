#!/bin/bash
# What systemd and cloud-init do at boot, as far as it decides whether the ECS agent starts. Called as `systemctl` by the
# host's scripts, and as `boot first|again|notice` by the harness.
S=$HOST_SCRATCH H=$HOST_SCRATCH/.host name=${0##*/}
PATH=$H/real
ETC=$S/etc/systemd/system VENDOR=$S/usr/lib/systemd/system
line="$name${*:+ $*}"
unmodelled() { echo "${1:-${line//$S/}}" >>"$H/unmodelled"; exit 125; }
hangs() { : >"$H/hangs"; kill -KILL 0; }

full() { case $1 in *.*) echo "$1" ;; *) echo "$1.service" ;; esac; }
file() { if [ -e "$ETC/$1" ] || [ -L "$ETC/$1" ]; then echo "$ETC/$1"; else echo "$VENDOR/$1"; fi; }
exists() { [ -f "$(file "$1")" ]; }
masked() { [ -L "$ETC/$1" ] && [ "$(readlink "$ETC/$1")" = /dev/null ]; }
active() { case $1 in *.target) true ;; *) [ -e "$H/active/$1" ] ;; esac; }
enabled() { ls "$ETC"/*.wants 2>/dev/null | grep -qx "$1"; }
all_enabled() { for link in "$ETC"/*.wants/*; do [ -L "$link" ] && echo "${link##*/}"; done | sort -u; }
# all values of a key, one a line; an empty value clears those before it
values() {
  cat "$(file "$1")" "$VENDOR/$1.d"/*.conf "$ETC/$1.d"/*.conf 2>/dev/null |
    awk -v k="$2=" 'index($0, k) == 1 { v = substr($0, length(k) + 1); if (v == "") n = 0; else a[n++] = v } END { for (i = 0; i < n; i++) print a[i] }'
}
words() { values "$1" "$2" | tr ' ' '\n' | grep .; }
mount_point() { cut -f 1 "$H/mounts" | grep -qx "${1#"$S"}"; }
run() { local command; eval "command=(${1#-})"; PATH=$H/bin "${command[@]}"; local code=$?; [ "${1#-}" != "$1" ] || return $code; }
run_all() { local command; while IFS= read -r command; do run "$command" </dev/null || return 1; done <<END
$(values "$1" "$2" | grep .)
END
}
run_each() { [ -z "$(values "$1" "$2")" ] || run_all "$1" "$2"; }

# conditions and assertions, which are looked at when the unit's turn has come
may_start() {
  local key value want
  for key in $(cat "$(file "$1")" "$VENDOR/$1.d"/*.conf "$ETC/$1.d"/*.conf 2>/dev/null | grep -oE '^(Condition|Assert)[A-Za-z]*=' | sort -u); do
    for value in $(words "$1" "${key%=}"); do
      want=0
      case $value in !*) want=1 value=${value#!} ;; esac
      case $key in
        *PathIsMountPoint=) mount_point "$value" ;;
        *PathExists=) [ -e "$value" ] ;;
        *) unmodelled "$1: $key" ;;
      esac
      [ $? = $want ] || return 1
    done
  done
}

# start <unit> <new|old>: in a transaction that is made now, what the unit needs is started, too. The boot's own
# transaction is older than the user data: of what the user data adds to a unit only masks, conditions, assertions,
# the order, and BindsTo= together with After= still count (unit_verify_deps in systemd's src/core/unit.c).
start() {
  local unit=$1 transaction=$2 other
  active "$unit" && return 0
  masked "$unit" && return 1
  exists "$unit" || return 5
  [ ! -e "$H/tried/$unit" ] || return 1
  : >"$H/tried/$unit"
  if [ "$transaction" = new ]; then
    for other in $(words "$unit" Wants); do exists "$other" && start "$other" new; done
    for other in $(words "$unit" Requires) $(words "$unit" BindsTo); do start "$other" new || return 1; done
    if [ "$HOST_MODE" = again ]; then
      for other in $(words "$unit" After); do enabled "$other" && start "$other" new; done
      for other in $(all_enabled); do words "$other" Before | grep -qx "$unit" && start "$other" new; done
    fi
    for other in $(words "$unit" RequiresMountsFor); do
      awk -v t="$other" 'index(t "/", $2 "/") == 1 { print $2 }' "$S/etc/fstab" | while read -r path; do mount_point "$path" || exit 1; done || return 1
    done
  fi
  for other in $(words "$unit" BindsTo); do
    words "$unit" After | grep -qx "$other" && ! active "$other" && return 1
  done
  if [ "$HOST_MODE" = user-data ] && words "$unit" After | grep -qx cloud-final.service; then hangs; fi # D2.3
  may_start "$unit" || return 1
  if ! run_each "$unit" ExecStartPre || { [ "$(values "$unit" Type)" = oneshot ] && ! run_each "$unit" ExecStart; }; then
    case $(values "$unit" FailureAction) in poweroff*) : >"$H/powered-off" ;; esac
    return 1
  fi
  : >"$H/active/$unit"
}
stop() {
  local unit=$1 other
  : >"$H/cancelled/$unit"
  active "$unit" || return 0
  rm -f "$H/active/$unit"
  for other in "$H/active"/*; do
    other=${other##*/}
    words "$other" BindsTo | grep -qx "$unit" && stop "$other"
  done
  [ "$unit" = ecs.service ] || run_each "$unit" ExecStop
}

systemctl() {
  local verb='' no_block='' now='' units=() unit target status=0
  for word in "$@"; do
    case $word in
      --no-block) no_block=yes ;;
      --now) now=yes ;;
      -q | --quiet) ;;
      -*) unmodelled ;;
      *) if [ -z "$verb" ]; then verb=$word; else units[${#units[@]}]=$(full "$word"); fi ;;
    esac
  done
  for unit in ${units[@]+"${units[@]}"}; do
    case $verb in
      start)
        rm -f "$H/tried/$unit"
        # a start job that waits for cloud-init is in the boot's transaction already
        if [ -n "$no_block" ] && words "$unit" After | grep -qx cloud-final.service; then rm -f "$H/cancelled/$unit"; else start "$unit" new || status=1; fi ;;
      stop) stop "$unit" ;;
      enable)
        exists "$unit" && ! masked "$unit" || { echo "Failed to enable unit: Unit file $unit does not exist." >&2; return 1; }
        for target in $(words "$unit" WantedBy); do mkdir -p "$ETC/$target.wants" && ln -sf "$(file "$unit")" "$ETC/$target.wants/$unit"; done
        [ -z "$now" ] || start "$unit" new || status=1 ;;
      disable) rm -f "$ETC"/*.wants/"$unit"; [ -z "$now" ] || stop "$unit" ;;
      mask)
        [ ! -f "$ETC/$unit" ] || { echo "Failed to mask unit: File $ETC/$unit already exists." >&2; return 1; }
        ln -sfn /dev/null "$ETC/$unit"
        [ -z "$now" ] || stop "$unit" ;;
      unmask) masked "$unit" && rm "$ETC/$unit" ;;
      is-active) active "$unit" || status=3 ;;
      is-enabled) enabled "$unit" || status=1 ;;
      *) unmodelled ;;
    esac
  done
  case "$verb ${units[*]}" in 'daemon-reload ') ;; *' ') unmodelled ;; esac
  return $status
}

boot() {
  export HOST_MODE
  case $1 in
    first)
      HOST_MODE=user-data
      for script in "$S"/var/lib/cloud/instance/scripts/*; do [ ! -f "$script" ] || PATH=$H/bin "$script"; done
      HOST_MODE=first
      [ -e "$H/cancelled/ecs.service" ] || { rm -f "$H/tried/ecs.service"; start ecs.service old; } ;;
    again)
      HOST_MODE=again
      cut -f 1 "$H/mounts" | awk '{ a[NR] = $0 } END { for (i = NR; i; i--) print a[i] }' >"$H/unmount"
      while read -r path; do PATH=$H/bin umount "$S$path"; done <"$H/unmount"
      rm -rf "$S"/run/* "$H"/active/* "$H"/tried/* "$H"/cancelled/* "$H"/tmpfs "$H/powered-off" "$H/hangs"
      : >"$H/commands"; : >"$S/dev/console"; echo 0 >"$H/seconds"
      while read -r source path type options _; do
        case $source in '#'* | '') continue ;; esac
        mkdir -p "$path"
        # a mount of fstab that fails ends in emergency mode, where no service runs
        PATH=$H/bin mount "$path" || case ",$options," in *,nofail,*) ;; *) return ;; esac
      done <"$S/etc/fstab"
      for unit in $(all_enabled); do start "$unit" new; done ;;
    notice)
      HOST_MODE=notice
      for unit in "$H"/active/*; do
        unit=${unit##*/}
        case "$unit $(values "$unit" Type)" in ecs.* | docker.* | *oneshot) ;; *) run_each "$unit" ExecStart & ;; esac
      done
      wait ;;
  esac
}

case $name in
  systemctl)
    echo "${line//$S/}" >>"$H/commands"
    systemctl "$@" ;;
  *) boot "$1" ;;
esac
