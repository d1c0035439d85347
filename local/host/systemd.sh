#!/bin/bash
# What systemd and cloud-init do at boot, at a shutdown and beside a spot notice, as far as it decides whether the ECS agent
# starts and what becomes of the mount. Called as `systemctl` by the host's scripts, and as `boot <how>` by the harness.
# Where units have no order between them, the worse one is taken.
S=$HOST_SCRATCH H=$HOST_SCRATCH/.host name=${0##*/}
PATH=$H/real
ETC=$S/etc/systemd/system VENDOR=$S/usr/lib/systemd/system
line="$name${*:+ $*}"
hangs_for_ever() { : >"$H/hangs"; kill -KILL -- $HOST_GROUPS; }
unmodelled() { echo "${1:-${line//$S/}}" >>"$H/unmodelled"; exit 125; }

full() { case $1 in *.*) echo "$1" ;; *) echo "$1.service" ;; esac; }
# Only what has been loaded counts. $H/units: unit, key, value; builtins only, because it is asked hundreds of times
reload() {
  local path unit
  for path in "$VENDOR"/*.service "$ETC"/*.service; do
    unit=${path##*/}
    if [ -L "$path" ] && [ "$(readlink "$path")" = /dev/null ]; then
      printf '%s\tmasked\tyes\n' "$unit"
    elif [ -f "$path" ] && { [ "$path" = "$ETC/$unit" ] || ! [ -e "$ETC/$unit" -o -L "$ETC/$unit" ]; }; then
      printf '%s\tloaded\tyes\n' "$unit"
      load "$unit" "$path" "$VENDOR/$unit.d"/*.conf "$ETC/$unit.d"/*.conf
    fi
  done >"$H/units"
  for path in "$ETC"/*.wants/*; do [ ! -L "$path" ] || printf '%s\twanted\tyes\n' "${path##*/}"; done >>"$H/units"
}
# a key outside of its section is ignored
load() {
  local unit=$1 section row path
  for path in "${@:2}"; do
    [ -f "$path" ] || continue
    section=''
    while IFS= read -r row; do
      case $section$row in
        *'['*']') section=$row ;;
        '[Service]'Exec*=* | '[Service]'Type=* | '[Service]'RemainAfterExit=* | '[Service]'Restart=* | '[Service]'TimeoutStartSec=*) ;;
        '[Unit]'*=*) case $row in Exec* | Type=* | RemainAfterExit=* | Restart=* | TimeoutStartSec=*) continue ;; esac ;;
        *) continue ;;
      esac
      case $row in *=*) printf '%s\t%s\t%s\n' "$unit" "${row%%=*}" "${row#*=}" ;; esac
    done <"$path"
  done
}
# all values of a key, one a line; an empty value clears those before it
values() {
  local unit key value found=()
  while IFS=$'\t' read -r unit key value; do
    [ "$unit $key" = "$1 $2" ] || continue
    if [ -n "$value" ]; then found[${#found[@]}]=$value; else found=(); fi
  done <"$H/units"
  [ ${#found[@]} = 0 ] || printf '%s\n' "${found[@]}"
}
words() { set -- $(values "$1" "$2"); echo "$*"; }
names() {
  local unit key value
  while IFS=$'\t' read -r unit key value; do
    [ "$unit $key" != "$1 $2" ] || case " $value " in *" $3 "*) return 0 ;; esac
  done <"$H/units"
  return 1
}
is() { names "$1" "$2" yes; }
exists() { case $1 in *.target) true ;; *) is "$1" loaded ;; esac; }
all_wanted() { local unit key _; while IFS=$'\t' read -r unit key _; do [ "$key" != wanted ] || echo "$unit"; done <"$H/units"; }
active() { [ -e "$H/active/$1" ]; }
all_active() { local path; for path in "$H/active"/*; do [ ! -e "$path" ] || echo "${path##*/}"; done; }
mount_point() { cut -f 1 "$H/mounts" | grep -qx "${1#"$S"}"; }
seconds() { case $1 in *h) echo $((${1%h} * 3600)) ;; *min) echo $((${1%min} * 60)) ;; *) echo "${1%s}" ;; esac; }

# A process group stands for a control group: what has hung or been killed in it leaves the rest of the host alone. The
# groups around it are in HOST_GROUPS, the outermost first
in_group() {
  local code
  set -m
  (export HOST_GROUPS="$HOST_GROUPS -$(sh -c 'echo $PPID')"; PATH=$H/bin exec "$@" </dev/null) &
  set +m
  wait $!
  code=$?
  kill -KILL -- "-$!" 2>/dev/null
  return $code
}
run() { local command; eval "command=(${1#-})"; in_group "${command[@]}"; local code=$?; [ "${1#-}" != "$1" ] || return $code; }
run_all() { local command; while IFS= read -r command; do run "$command" || return 1; done <<END
$(values "$1" "$2" | grep .)
END
}
run_each() { [ -z "$(values "$1" "$2")" ] || run_all "$1" "$2"; }

# conditions and assertions, which are looked at when the unit's turn has come
may_start() {
  local unit key value want
  for key in $(while IFS=$'\t' read -r unit key _; do case $unit\ $key in "$1 Condition"* | "$1 Assert"*) echo "$key" ;; esac; done <"$H/units"); do
    for value in $(words "$1" "$key"); do
      want=0
      case $value in !*) want=1 value=${value#!} ;; esac
      case $key in
        *PathIsMountPoint) mount_point "$value" ;;
        *PathExists) [ -e "$value" ] ;;
        *) unmodelled "$1: $key" ;;
      esac
      [ $? = $want ] || return 1
    done
  done
}

# is the first ordered before the second
before() { names "$2" After "$1" || names "$1" Before "$2"; }
# units with all that they pull in, in TRANSACTION
pull_in() {
  local unit
  for unit; do
    case " $TRANSACTION " in *" $unit "*) continue ;; esac
    TRANSACTION="$TRANSACTION $unit"
    rm -f "$H/tried/$unit"
    pull_in $(words "$unit" Wants) $(words "$unit" Requires) $(words "$unit" BindsTo)
  done
}
start_all() {
  local TRANSACTION='' unit
  pull_in "$@"
  for unit in $TRANSACTION; do start "$unit" new; done
}
# start <unit> <new|old>: in a transaction that is made now, what the unit needs is started, too. The boot's own
# transaction is older than the user data: of what the user data adds to a unit only masks, conditions, assertions,
# the order, and BindsTo= together with After= still count (unit_verify_deps in systemd's src/core/unit.c).
start() {
  local unit=$1 transaction=$2 other
  active "$unit" || [ -e "$H/tried/$unit" ] && return
  : >"$H/tried/$unit"
  exists "$unit" || return
  if [ "$transaction" = new ]; then
    for other in $TRANSACTION; do before "$other" "$unit" && start "$other" new; done
    for other in $(words "$unit" Requires) $(words "$unit" BindsTo); do
      start "$other" new
      active "$other" || return
    done
  fi
  for other in $(words "$unit" BindsTo); do
    names "$unit" After "$other" && ! active "$other" && return
  done
  if [ "$HOST_MODE" = user-data ] && names "$unit" After cloud-final.service; then hangs_for_ever; fi # D2.3
  exists "$unit" && may_start "$unit" || return # it may have been masked meanwhile
  : >"$H/active/$unit" # or about to be
  if carry_out "$unit"; then
    [ "$(values "$unit" Type)" != oneshot ] || [ "$(values "$unit" RemainAfterExit)" = yes ] || rm -f "$H/active/$unit"
    return
  fi
  rm -f "$H/active/$unit"
  for other in $(all_active); do names "$other" BindsTo "$unit" && stop "$other"; done
  case $(values "$unit" FailureAction) in poweroff*) : >"$H/powered-off" ;; esac
}
# what a start waits for; a service without a command is none
carry_out() {
  local HOST_TIMEOUT='' HOST_START_TIMEOUT
  case $1 in *.target | ecs.service | docker.service) ;; *) [ -n "$(values "$1" ExecStart)" ] || return ;; esac
  HOST_START_TIMEOUT=$(seconds "$(values "$1" TimeoutStartSec)")
  export HOST_TIMEOUT HOST_START_TIMEOUT
  run_each "$1" ExecStartPre && { [ "$(values "$1" Type)" != oneshot ] || run_each "$1" ExecStart; }
}
stop() {
  local unit=$1 other
  : >"$H/cancelled/$unit"
  active "$unit" || return 0
  rm -f "$H/active/$unit"
  for other in $(all_active); do names "$other" BindsTo "$unit" && stop "$other"; done
  case $unit in
    docker.service) echo 'containers end' >>"$H/commands" ;;
    network-online.target) go_offline ;;
    *) run_each "$unit" ExecStop ;;
  esac
}
go_offline() { echo 'the network ends' >>"$H/commands"; : >"$H/offline"; }
# in the opposite order of their starts; of what has none, first what the others would still need. A mount point is a unit,
# too, which goes at once unless a service that still runs needs it
shut_down() {
  local unit other target type
  while IFS=$'\t' read -r target _ type _; do
    [ "$type" != lustre ] || names lustre-run.service RequiresMountsFor "$S$target" || PATH=$H/bin umount "$S$target"
  done <<END
$(tac "$H/mounts")
END
  active network-online.target || go_offline
  while [ -n "$(all_active)" ]; do
    for unit in network-online.target lustre-run.service lustre-guard.service $(all_active); do
      active "$unit" || continue
      for other in $(all_active); do before "$unit" "$other" && continue 2; done
      break
    done
    stop "$unit"
  done
}
# what runs on behind its start
serve() {
  local tries=0
  until run_each "$1" ExecStart; do
    tries=$((tries + 1))
    [ "$(values "$1" Restart)" = on-failure ] && [ $tries -lt 5 ] || return
  done
}

systemctl() {
  local verb='' no_block='' units=() unit status=0
  for word in "$@"; do
    case $word in
      --no-block) no_block=yes ;;
      -*) unmodelled ;;
      *) if [ -z "$verb" ]; then verb=$word; else units[${#units[@]}]=$(full "$word"); fi ;;
    esac
  done
  for unit in ${units[@]+"${units[@]}"}; do
    case $verb in
      start)
        # a start job that waits for cloud-init is in the boot's transaction already
        if [ -n "$no_block" ] && names "$unit" After cloud-final.service; then rm -f "$H/cancelled/$unit"; else start_all "$unit"; active "$unit" || status=1; fi ;;
      stop) stop "$unit" ;;
      mask)
        [ ! -f "$ETC/$unit" ] || { echo "Failed to mask unit: File $ETC/$unit already exists." >&2; return 1; }
        ln -sfn /dev/null "$ETC/$unit"
        reload ;;
      *) unmodelled ;;
    esac
  done
  case "$verb ${units[*]}" in 'daemon-reload ') reload ;; *' ') unmodelled ;; esac
  return $status
}

boot() {
  export HOST_MODE HOST_GROUPS=-$$
  case $1 in
    first)
      reload
      HOST_MODE=user-data
      : >"$H/synced"
      for script in "$S"/var/lib/cloud/instance/scripts/*; do [ ! -f "$script" ] || in_group "$script"; done
      HOST_MODE=first
      rm -f "$H/tried/ecs.service"
      start docker.service old
      [ -e "$H/cancelled/ecs.service" ] || start ecs.service old ;;
    again)
      HOST_MODE=again
      cut -f 1 "$H/mounts" | awk '{ a[NR] = $0 } END { for (i = NR; i; i--) print a[i] }' >"$H/unmount"
      rm -f "$H/offline"
      while read -r path; do PATH=$H/bin umount "$S$path"; done <"$H/unmount"
      rm -rf "$S"/run/* "$H"/active/* "$H"/cancelled/* "$H"/tmpfs "$H/powered-off" "$H/hangs"
      : >"$H/commands"; : >"$S/dev/console"; echo 0 >"$H/seconds"
      while read -r source path type options _; do
        case $source in '#'* | '') continue ;; esac
        mkdir -p "$path"
        # a mount of fstab that fails ends in emergency mode, where no service runs
        PATH=$H/bin mount "$path" || case ",$options," in *,nofail,*) ;; *) return ;; esac
      done <"$S/etc/fstab"
      reload
      start_all $(all_wanted) ;;
    notice)
      HOST_MODE=notice
      for unit in $(all_active); do [ "$(values "$unit" Type)" = oneshot ] || serve "$unit" & done
      wait ;;
    agent)
      HOST_MODE=again
      start_all ecs.service ;;
    shutdown)
      HOST_MODE=shutdown
      shut_down ;;
  esac
}

case $name in
  systemctl)
    . "$H/answers"
    echo "${line//$S/}" >>"$H/commands"
    [ "$strikeDoes" != fails ] || case "$line" in "$strikeAt"*) exit 1 ;; esac
    systemctl "$@" ;;
  *) boot "$1" ;;
esac
