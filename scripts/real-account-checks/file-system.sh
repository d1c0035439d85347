# shellcheck shell=bash disable=SC2016,SC2154,SC2034 # read by ../real-account-checks.sh, whose tools and variables it uses
# On a file system of its own, in the network of the stack, linked to a folder of its bucket. Nothing mounts it: what needs a client
# that writes is in TESTING.md as a check by hand.

file_system_checks=(A2_1 A7_1 A9_1 E6_described B4 B5 B9 A8_6 A6_2 A8_4 A8_3 A4_11)

create_file_system() { # purpose, log destination: its id stands in $answer
  accepted fsx create-file-system --file-system-type LUSTRE --file-system-type-version 2.15 --storage-capacity 1200 --subnet-ids "$subnet" \
    --security-group-ids "$group_id" --client-request-token "$name-$1" --tags "Key=Name,Value=$name" --query FileSystem.FileSystemId --output text \
    --lustre-configuration "{\"DeploymentType\":\"PERSISTENT_2\",\"PerUnitStorageThroughput\":125,\"LogConfiguration\":{\"Level\":\"WARN_ERROR\",\"Destination\":\"$2\"}}"
}

look() { fsx_is describe-file-systems --file-system-ids "$1" 'FileSystems[0].Lifecycle'; }
fsx_is() { call fsx "${@:1:$#-1}" --query "${*: -1}" --output text; }
association_is() { fsx_is describe-data-repository-associations --association-ids "$association" "Associations[0].$1"; }
association_settles() {
  wait_for 'AVAILABLE|MISCONFIGURED|FAILED' 10 120 fsx describe-data-repository-associations --association-ids "$association" \
    --query 'Associations[0].Lifecycle' --output text
}
update_link() { accepted fsx update-data-repository-association --association-id "$association" --s3 "$1" && association_settles; }
exports() { association_is 'length(S3.AutoExportPolicy.Events || `[]`)'; }
points() { # stamps of the metric's points of the last quarter of an hour, in the order of the answer
  call cloudwatch get-metric-statistics --namespace AWS/FSx --metric-name AgeOfOldestQueuedMessage --period 60 --statistics Maximum --output text \
    --dimensions "Name=FileSystemId,Value=$file_system" Name=Publisher,Value=AutoExport --query "Datapoints[].$1" \
    --start-time "$(date -u -d '15 minutes ago' +%Y-%m-%dT%H:%M:%SZ)" --end-time "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
start_task() {
  accepted fsx create-data-repository-task --type EXPORT_TO_REPOSITORY --file-system-id "$file_system" --paths export --query DataRepositoryTask.TaskId \
    --output text --report "Enabled=true,Path=s3://$bucket/$name/reports,Format=REPORT_CSV_20191124,Scope=FAILED_FILES_ONLY"
}
task_ends() {
  wait_for 'SUCCEEDED|FAILED|CANCELED' 10 180 fsx describe-data-repository-tasks --task-ids "$1" --query 'DataRepositoryTasks[0].Lifecycle' --output text
}

check_A2_1() {
  local log_group
  subnet=$(resource AWS::EC2::Subnet)
  group_id=$(resource AWS::EC2::SecurityGroup)
  bucket=$(resource AWS::S3::Bucket)
  log_group=$(call cloudformation list-stack-resources --stack-name "$stack" --output text \
    --query "StackResourceSummaries[?ResourceType=='AWS::Logs::LogGroup'].PhysicalResourceId | [?starts_with(@, '/aws/fsx/')] | [0]")
  log_group=$(call logs describe-log-groups --log-group-name-prefix "$log_group" --query 'logGroups[0].arn' --output text)
  log_group=${log_group%:\*}
  if create_file_system main "$log_group:*"; then seen=anyForm; else seen=noWildcard; fi
  judge A2.1 logGroupArn anyForm "$seen" "$answer"
  [[ $seen == anyForm ]] || create_file_system main-2 "$log_group" || { say "$answer"; return 1; }
  file_system=$answer
  began=$(date +%s)
  defer undo fsx delete-file-system --file-system-id "$file_system"
  association=$(call fsx create-data-repository-association --file-system-id "$file_system" --file-system-path /export \
    --data-repository-path "s3://$bucket/$name/" --s3 'AutoExportPolicy={Events=[NEW,CHANGED,DELETED]}' --query Association.AssociationId --output text)
}

check_A7_1() { # on a second one, which is deleted at once
  local second seen_first
  create_file_system second "$(call fsx describe-file-systems --file-system-ids "$file_system" --output text \
    --query 'FileSystems[0].LustreConfiguration.LogConfiguration.Destination')" || { say "$answer"; return 1; }
  second=$answer
  if accepted fsx describe-file-systems --file-system-ids "$second"; then seen=visibleAtOnce; else seen=visibleLate; fi
  judge A7.1 createdFileSystem visibleAtOnce "$seen"
  defer undo fsx delete-file-system --file-system-id "$second"
  wait_for 'CREATING' 5 60 fsx describe-file-systems --file-system-ids "$second" --query 'FileSystems[0].Lifecycle' --output text
  if accepted fsx delete-file-system --file-system-id "$second"; then seen=accepted; else seen=refused; fi
  judge A7.1 deleteWhileCreating accepted "$seen" "$answer"
  wait_for 'DELETING|AVAILABLE' 15 240 fsx describe-file-systems --file-system-ids "$second" --query 'FileSystems[0].Lifecycle' --output text
  [[ $answer != AVAILABLE ]] || call fsx delete-file-system --file-system-id "$second" >/dev/null
  if accepted fsx delete-file-system --file-system-id "$second" --client-request-token "$name-again"; then seen=accepted; else seen=refused; fi
  judge A7.1 secondDelete accepted "$seen" "$answer"
  wait_for '.*FileSystemNotFound.*' 15 240 fsx describe-file-systems --file-system-ids "$second"
  if accepted fsx describe-data-repository-associations --filters "Name=file-system-id,Values=$second"; then seen=none; else seen=notFound; fi
  judge A7.1 associationsOfGoneFileSystem none "$seen" "$answer"
}

check_A9_1() {
  wait_for AVAILABLE 15 240 fsx describe-file-systems --file-system-ids "$file_system" --query 'FileSystems[0].Lifecycle' --output text
  local minutes=$((($(date +%s) - began) / 60))
  if ((minutes < 15)); then seen=minutes; else seen=halfAnHour; fi
  judge A9.1 fileSystemCreation minutes "$seen" "seen after $minutes minutes (the check before it may have taken some of them)"
  association_settles
}

check_E6_described() { # the answer itself, not a mocked one
  ensure_role
  local output
  output=$(call stepfunctions test-state --role-arn "$role" --query output --output text \
    --definition "$(task fsx:describeFileSystems "{\"FileSystemIds\":[\"$file_system\"]}")")
  case $output in *'"DnsName"'*) seen=javaV2 ;; *'"DNSName"'*) seen=api ;; *) seen=neither ;; esac
  judge E6 answerCasing javaV2 "$seen"
}

check_B4() { # nothing has ever been written
  local values
  pause 900
  values=$(points Maximum)
  case $values in '' | None) seen=missing ;; *[1-9]*) seen=another ;; *) seen=zeros ;; esac
  judge B4 idleMetric zeros "$seen" "values of a quarter of an hour without a file: ${values:-none}"
  if [[ $seen == zeros ]]; then seen=withAssociation; else seen=withFirstMessage; fi
  judge B4 firstPoint withAssociation "$seen" 'tenMinutesLate cannot be told apart here'
}

check_B5() { # when the next point can be read
  local newest before lag
  before=$(points Timestamp | tr '\t' '\n' | sort | tail -n 1)
  for ((look = 0; look < 40; look++)); do
    newest=$(points Timestamp | tr '\t' '\n' | sort | tail -n 1)
    [[ -z $dry_run && $newest == "$before" ]] || break
    pause 5
  done
  [[ $newest != None && -n $newest ]] || { say 'no point to be read: B5 stays open'; return 0; }
  lag=$(($(date +%s) - $(seconds "$newest")))
  if ((lag < 120)); then seen=seventySeconds; else seen=threeMinutes; fi
  judge B5 publicationLag seventySeconds "$seen" "$lag s after the beginning of its minute"
}

check_B9() {
  local stamps
  stamps=$(points Timestamp | tr '\t' '\n')
  if [[ $stamps == "$(sort <<<"$stamps")" ]]; then seen=inOrder; else seen=shuffled; fi
  judge B9 firstPointOfRange inOrder "$seen"
}

check_A8_6() {
  if start_task; then seen=accepted; task_ends "$answer"; else seen=refused; fi
  judge A8.6 taskWhileAutoExport refused "$seen" "$answer"
}

check_A6_2() { # queueWhenDisabled and queueOnUpdate need a client that writes
  if update_link '{}'; then
    if [[ $(exports) == 0 ]]; then seen=cleared; else seen=unchanged; fi
  else
    seen=refused
  fi
  judge A6.2 omittedExportPolicy unchanged "$seen" "$answer"
  update_link '{"AutoExportPolicy":{"Events":["NEW","CHANGED","DELETED"]}}' || say "$answer"
  if update_link '{"AutoExportPolicy":{"Events":[]}}' && [[ -n $dry_run || $(exports) == 0 ]]; then seen=accepted; else seen=refused; fi
  judge A6.2 emptyExportEvents accepted "$seen" "$answer"
  [[ $seen == accepted ]] || update_link '{}' || say "$answer"
}

check_A8_4() { # automatic export is off now
  local status
  start_task || { say "no export task: $answer"; return 1; }
  task_id=$answer
  status=$(fsx_is describe-data-repository-tasks --task-ids "$task_id" '[DataRepositoryTasks[0].Lifecycle, to_string(DataRepositoryTasks[0].Status)]')
  if accepted fsx update-data-repository-association --association-id "$association" --s3 '{"AutoExportPolicy":{"Events":["NEW","CHANGED","DELETED"]}}'; then
    seen=accepted
  else
    seen=refused
  fi
  judge A8.6 autoExportDuringTask accepted "$seen" "$answer"
  task_ends "$task_id"
  status+=" then $(fsx_is describe-data-repository-tasks --task-ids "$task_id" 'to_string(DataRepositoryTasks[0].Status)')"
  case $status in *then*FailedCount*) seen=present ;; *) seen=absent ;; esac
  judge A8.4 statusCounts present "$seen" "$status"
}

check_A8_3() { # of the task before, which had no file to fail
  local report
  pause 120
  report=$(call s3api list-objects-v2 --bucket "$bucket" --prefix "$name/reports" --query 'Contents[].Key' --output text)
  case $report in *failures.csv*) seen=always ;; *) seen=onlyFailures ;; esac
  judge A8.3 exportReport onlyFailures "$seen" "$report"
}

check_A4_11() {
  call fsx delete-file-system --file-system-id "$file_system" >/dev/null
  wait_for '.*FileSystemNotFound.*' 15 240 fsx describe-file-systems --file-system-ids "$file_system"
  call s3 rm --recursive "s3://$bucket/$name/" >/dev/null
  pause 300
  if accepted iam get-role --role-name "AWSServiceRoleForFSxS3Access_$file_system"; then seen=left; else seen=deleted; fi
  judge A4.11 dataSourceRole left "$seen"
  [[ $seen == deleted ]] || call iam delete-service-linked-role --role-name "AWSServiceRoleForFSxS3Access_$file_system" >/dev/null
}
