#!/usr/bin/env bash
# Asks a real AWS account what no document says: TESTING.md lists the facts, this script looks at them one by one.
# Each check is a function named after its fact. It prints CONFIRMED where AWS does what the library takes for likely, and
# REFUTED where it does something else: most of that the library survives, and TESTING.md says how; tell us in any case.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bash scripts/real-account-checks.sh [--group NAME]... [--stack NAME] [--dry-run] [--yes]

  --group free         Step Functions' TestState, an execution of one Pass state, a launch template, a job definition,
                       a role. Costs nothing; three minutes. The default.
  --group batch        Updates the compute environment of --stack and sets it back; no instance starts. Costs nothing; an hour.
  --group file-system  A PERSISTENT_2 file system of 1,200 GiB linked to the bucket of --stack, and a second one for some
                       minutes. About 0.50 USD (0.24 USD an hour each, us-east-1); up to two hours.
  --group run          One run of the pipeline of --stack that writes two files which cannot be exported, and what it keeps
                       is deleted. About 1 USD; up to three hours.
  --group all          All of them.
  --stack NAME         A stack with one LustreAutoExportPipeline and nothing else, of which no run is running: deploy it for
                       this purpose, in an account that is not for production.
  --dry-run            Prints the commands and calls nothing.
  --yes                Does not ask before it creates something.

Needs bash 4.3, the AWS CLI with credentials and a region, and GNU date. What it creates it deletes, also when it is interrupted.
TEXT
}

groups=() stack='' dry_run='' yes=''
while (($#)); do
  case $1 in
    --group) groups+=("${2:?--group needs a name}"); shift ;;
    --stack) stack=${2:?--stack needs a name}; shift ;;
    --dry-run) dry_run=1 ;;
    --yes) yes=1 ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
((${#groups[@]})) || groups=(free)
[[ ${groups[*]} != all ]] || groups=(free batch file-system run)
for group in "${groups[@]}"; do
  [[ $group =~ ^(free|batch|file-system|run)$ ]] || { echo "there is no group $group" >&2; usage >&2; exit 2; }
  [[ $group == free || -n $stack ]] || { echo "--group $group needs --stack" >&2; exit 2; }
done

# shellcheck disable=SC2034 # used by the checks
name=real-account-checks-$RANDOM$RANDOM seen=''
refuted=0 answer=''
exec 3>&1

# ---- tools ----

call() { # an AWS call; in a dry run it is only shown
  if [[ -z $dry_run ]]; then
    AWS_PAGER='' aws "$@"
  else
    { printf '  aws'; printf ' %q' "$@"; echo; } >&3
    echo dry-run
  fi
}

accepted() { # whether a call is accepted; what AWS says stands in $answer
  if answer=$(call "$@" 2>&1); then return 0; else return 1; fi
}

wait_for() { # a pattern, seconds between looks, how many looks, a call: until its answer fits; the answer stands in $answer
  local wanted=$1 every=$2 looks=$3
  shift 3
  local look
  for ((look = 1; look <= looks; look++)); do
    answer=$(call "$@" 2>&1) || :
    if [[ -n $dry_run || $answer =~ ^($wanted)$ ]]; then return 0; fi
    pause "$every"
  done
  say "gave up waiting for $wanted; last answer: $answer"
  return 1
}

pause() { [[ -n $dry_run ]] || sleep "$1"; }

say() { echo "$*" >&3; }

judge() { # fact, switch of local/switches.ts, the likely reading, the reading seen, what was seen
  if [[ -n $dry_run ]]; then say "  -> $1 $2"; return; fi
  if [[ $4 == "$3" ]]; then say "CONFIRMED $1 $2: $4. ${5:-}"; return; fi
  refuted=$((refuted + 1))
  say "REFUTED   $1 $2: $4, not $3. ${5:-}"
}

undo() { accepted "$@" || [[ $answer =~ NotFound|NoSuch|does\ not\ exist ]]; } # what is gone already needs no undoing

deferred=()
defer() { deferred+=("$(printf '%q ' "$@")"); } # done at the end, last first

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
    eval "${deferred[i]}" >/dev/null 2>&1 || say "could not be undone, please look: ${deferred[i]}"
  done
  if ((refuted)); then say "$refuted refuted: open an issue with the lines above, the region and the date. What they mean for a run is in TESTING.md."; fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

seconds() { # a time as the CLI prints it, in seconds since 1970
  if [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]]; then echo "${1%.*}"; elif [[ -n $dry_run ]]; then echo 0; else date -d "$1" +%s; fi
}

resource() { # the physical id of the stack's only resource of a type
  call cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceType=='$1'].PhysicalResourceId | [0]"
}

for part in free batch file-system run; do
  # shellcheck disable=SC1090
  source "${BASH_SOURCE[0]%.sh}/$part.sh"
done

# ---- what is done, after it was asked for ----

usage | sed -n '/^  --group/,/^  --group all/p' | sed '$d' >&3
say "Groups: ${groups[*]}. Account and region:"
say "$(call sts get-caller-identity --query Account --output text) $(call configure get region || echo "${AWS_REGION:-no region}")"
if [[ -z $yes$dry_run ]]; then
  read -r -p 'This creates the resources above, and deletes them again. Go on? (yes) ' reply
  [[ $reply == yes ]] || { say 'nothing was created'; exit 1; }
fi

for group in "${groups[@]}"; do
  declare -n checks=${group//-/_}_checks
  for check in "${checks[@]}"; do
    say "check_$check"
    "check_$check"
  done
done
