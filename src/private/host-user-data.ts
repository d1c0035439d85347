/** Every line that a host writes to its console for `ec2:GetConsoleOutput` begins with this. */
export const CONSOLE_PREFIX = 'lustre-auto-export:';

/** Owner and mode of the exported directory: images that do not run as root can write to it, too. */
export const DIRECTORY_OWNER = '0:0';
export const DIRECTORY_MODE = '1777';

/**
 * The parent of every host path is a read-only tmpfs on every host, so Docker cannot make a host path that is missing
 * there (D2.4), and a job that is sent to the wrong host does not start.
 */
export const HOST_PATH_PARENT = '/mnt/lustre-runs';

/** `States.Format` template of the host path; its one argument is the file system id. */
export function hostPathFormat(): string {
  return `${HOST_PATH_PARENT}/{}`;
}

/**
 * `States.Format` template of the one line that differs from run to run. Arguments: file system id, mount name,
 * exported directory (with a leading slash), host path, run id. None of them may hold a blank or a quote.
 */
export const RUN_LINE_FORMAT = 'FILE_SYSTEM_ID={} MOUNT_NAME={} EXPORT_DIRECTORY={} HOST_PATH={} RUN_ID={}';

/** Where the file systems are; the values may be tokens. */
export interface HostSite {
  readonly region: string;
  readonly urlSuffix: string;
}

/** User data of a run's launch template: `head + <the line of RUN_LINE_FORMAT> + tail`. */
export interface RunUserData {
  readonly head: string;
  readonly tail: string;
}

const BOUNDARY = '==LUSTRE_AUTO_EXPORT==';

// Batch merges its own part into it, so it must be MIME multi-part with these blank lines (D2.1). A shell script part
// ends before the agent starts (D2.3).
const MIME_HEAD = `MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="${BOUNDARY}"

--${BOUNDARY}
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
`;
const MIME_TAIL = `
--${BOUNDARY}--
`;

// What every host has. `lock` goes by fstab, so that it holds after a reboot.
const COMMON = `
PARENT=${HOST_PATH_PARENT}
say() { echo "${CONSOLE_PREFIX} \${RUN_ID:-no run}: $*" >/dev/console; }
lock() {
  grep -q " $PARENT " /etc/fstab || echo "tmpfs $PARENT tmpfs ro,mode=755,size=64k 0 0" >>/etc/fstab
  mkdir -p "$PARENT"
  mountpoint -q "$PARENT" || mount "$PARENT"
}
`;

// Masked before anything can fail, and on the disk at once: nothing starts the agent any more. It stays idle: where minvCpus
// keeps instances, one that ended itself would be replaced for ever.
const BASE = `
systemctl mask ecs.service
sync -f /etc
lock
say "no run is attached to this compute environment, no job starts here"
`;

// The only way out for a host that could not be made ready: the reason first, then an agent that nothing starts, not even
// a reboot, then the end of the instance.
const GAVE_UP = `
gave_up() {
  say "instance ends, no job can start on it: $*"
  systemctl mask ecs.service
  shutdown -h now
  exit 1
}
`;

// The counts bound the time: 4 minutes of waiting for the client, 12 for the mount, 2 for the directory; where every try
// runs into its own time-out, 55 and 38.
const RETRY = `
retry() {
  local tries=$1 i=0
  shift
  while ! why=$("$@" 2>&1); do
    i=$((i + 1))
    [ $i -lt $tries ] || {
      why=$(echo "$why" | tail -n 1)
      why=\${why:-no answer}
      return 1
    }
    sleep $((i < 6 ? i * 5 : 30))
  done
}
`;

// No `dnf update`: a new kernel's headers would not fit the running kernel (G11). dnf can fail at boot (D2.7).
// A mount hangs where a port is closed (G11), hence the time-out. Options: C5.
// The root is private: a container sees only the exported directory, because only what is written there is exported.
// What counts is what the kernel says is mounted, not what mount says.
const UP = `
mount_root() {
  mountpoint -q $ROOT || timeout -k 5 60 mount -t lustre -o relatime,flock $FILE_SYSTEM_ID.$DNS_SUFFIX@tcp:/$MOUNT_NAME $ROOT
}
up() {
  lock || gave_up "$PARENT could not be locked"
  command -v mount.lustre || retry 10 timeout -k 5 300 dnf install -y lustre-client || gave_up "the Lustre client could not be installed: $why"
  mkdir -p $ROOT
  chmod 700 \${ROOT%/*}
  retry 26 mount_root || gave_up "$FILE_SYSTEM_ID could not be mounted: $why"
  retry 7 test -d "$DIRECTORY" || mkdir -p "$DIRECTORY" || gave_up "$EXPORT_DIRECTORY could not be created on $FILE_SYSTEM_ID"
  [ "$(stat -c %u:%g:%a "$DIRECTORY")" = ${DIRECTORY_OWNER}:${DIRECTORY_MODE} ] || {
    chown ${DIRECTORY_OWNER} "$DIRECTORY" && chmod ${DIRECTORY_MODE} "$DIRECTORY"
  } || gave_up "$EXPORT_DIRECTORY could not be opened to all users"
  mount -o remount,rw $PARENT && mkdir -p "$HOST_PATH"
  mount -o remount,ro $PARENT || gave_up "$PARENT could not be locked again"
  mountpoint -q "$HOST_PATH" || mount --bind "$DIRECTORY" "$HOST_PATH"
  set -- $(findmnt -n -o FSTYPE,FSROOT -M "$HOST_PATH")
  [ "$*" = "lustre $EXPORT_DIRECTORY" ] || gave_up "$HOST_PATH does not show $EXPORT_DIRECTORY of $FILE_SYSTEM_ID"
  say "$HOST_PATH shows $EXPORT_DIRECTORY of $FILE_SYSTEM_ID"
}
`;

// A clean unmount spares the file system the eviction of a dead client (C9, G4).
const DOWN = `
down() {
  sync -f "$HOST_PATH"
  umount -c "$HOST_PATH" || umount -l "$HOST_PATH"
  umount -c $ROOT || umount -l $ROOT || :
}
`;

// The agent stops first: a container that it sees stop would be a failed job (exit 137), not a reclaimed host.
// Then the job is told to end, and what it closes is exported (A5.1). The instance is left for EC2 to end.
const GUARD = `
syncs() { while sleep 5; do sync -f "$HOST_PATH"; done; }
stops() { while :; do docker events --filter event=die --format 1 | while read -r _; do sync -f "$HOST_PATH"; done; sleep 5; done; }
imds() { curl -sf -m 2 "$@"; }
noticed() {
  local url=http://169.254.169.254/latest token
  token=$(imds -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $url/api/token) &&
    imds -o /dev/null -H "X-aws-ec2-metadata-token: $token" $url/meta-data/spot/instance-action
}
guard() {
  syncs &
  stops &
  until noticed; do sleep 5; done
  say "the instance is being reclaimed"
  timeout 30 systemctl stop ecs.service
  timeout 20 sync -f "$HOST_PATH"
  timeout 60 docker ps -q | timeout 60 xargs -r docker stop -t 40
  down
}
`;

// The drop-in comes first of all: from then on the agent needs the mount, whatever fails later, and brings it up after a
// reboot, when cloud-init does not run the script again. BindsTo and the assertion are looked at when the agent is about to
// start, so they hold in this very boot. The last line of ecs.config wins, and Batch writes to it, too.
// What is not synced may be empty after a loss of power, and user data runs only once.
// At a shutdown units stop in the opposite order: jobs end with Docker, then the mount, then the network; without
// RequiresMountsFor systemd itself would unmount first of all. FailureAction is for a script that runs out of time or is killed.
const INSTALL = `
install() {
  cd /etc/systemd/system && mkdir -p ecs.service.d && cat >ecs.service.d/lustre-run.conf <<END || gave_up "systemd could not be configured"
[Unit]
BindsTo=lustre-run.service
After=lustre-run.service
AssertPathIsMountPoint=$HOST_PATH
[Service]
ExecStartPre=/bin/sh -c "echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=false >>/etc/ecs/ecs.config"
END
  systemctl daemon-reload
  sync -f .
  cp "$0" /usr/local/sbin/lustre-run && chmod 755 /usr/local/sbin/lustre-run || gave_up "the script could not be kept"
  cat >lustre-run.service <<END || gave_up "systemd could not be configured"
[Unit]
Wants=network-online.target lustre-guard.service
After=network-online.target
Before=docker.service
RequiresMountsFor=$ROOT $HOST_PATH
FailureAction=poweroff
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=2h
ExecStart=/usr/local/sbin/lustre-run up
ExecStop=/usr/local/sbin/lustre-run down
END
  cat >lustre-guard.service <<END || gave_up "systemd could not be configured"
[Unit]
BindsTo=lustre-run.service
After=lustre-run.service
[Service]
Restart=on-failure
ExecStart=/usr/local/sbin/lustre-run guard
END
  sync -f .
  systemctl daemon-reload
  systemctl start lustre-run.service || shutdown -h now
}
`;

/** The user data of a run's hosts. */
export function runUserData(site: HostSite): RunUserData {
  return {
    // C7
    head: `${MIME_HEAD}DNS_SUFFIX=fsx.${site.region}.${site.urlSuffix}\n`,
    tail: `
ROOT=/run/lustre-run/root
DIRECTORY=$ROOT$EXPORT_DIRECTORY
${[COMMON, GAVE_UP, RETRY, UP, DOWN, GUARD, INSTALL].map((part) => part.trimStart()).join('')}"\${1:-install}"
${MIME_TAIL}`,
  };
}

/** The user data of hosts that belong to no run: they take no jobs and stay idle. */
export function baseUserData(): string {
  return `${MIME_HEAD}${COMMON}${BASE}${MIME_TAIL}`;
}
