# shellcheck shell=bash disable=SC2016,SC2154,SC2034 # read by ../real-account-checks.sh, whose tools and variables it uses
# Costs nothing.

free_checks=(E5 E5a E6 SDK_SFN_DescribeExecution E14 E19 D5_4)

role=''
ensure_role() { # a role that may only look at file systems
  [[ -z $role ]] || return 0
  role=$(call iam create-role --role-name "$name" --query Role.Arn --output text --assume-role-policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
  defer undo iam delete-role --role-name "$name"
  call iam put-role-policy --role-name "$name" --policy-name look --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"fsx:DescribeFileSystems","Resource":"*"}]}' >/dev/null
  defer undo iam delete-role-policy --role-name "$name" --policy-name look
  pause 20 # until Step Functions may use it
}

task() { # an SDK integration as a state of its own: action, parameters
  printf '{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:%s","Parameters":%s,"End":true}' "$1" "$2"
}

check_E5() {
  ensure_role
  local error
  error=$(call stepfunctions test-state --role-arn "$role" --query error --output text \
    --definition "$(task fsx:describeFileSystems '{"FileSystemIds":["fs-00000000000000000"]}')")
  case $error in FSx.FileSystemNotFoundException) seen=suffixed ;; FSx.FileSystemNotFound) seen=plain ;; *) seen=another ;; esac
  judge E5 modelledErrorName suffixed "$seen" "$error"
}

check_E5a() {
  ensure_role
  local error
  error=$(call stepfunctions test-state --role-arn "$role" --query error --output text --definition "$(task fsx:describeBackups '{}')")
  case $error in FSx.FSxException) seen=generic ;; FSx.AccessDenied*) seen=own ;; *) seen=another ;; esac
  judge E5a unmodelledErrorName generic "$seen" "$error"
}

check_E6() { # a mocked answer has to be as the API model of the integration has it
  local member fits=''
  for member in DnsName DNSName; do
    if accepted stepfunctions test-state --definition "$(task fsx:describeFileSystems '{}')" --query status --output text \
      --mock "{\"result\":\"{\\\"FileSystems\\\":[{\\\"$member\\\":\\\"fs-00000000000000000.fsx.us-east-1.amazonaws.com\\\"}]}\",\"fieldValidationMode\":\"STRICT\"}" \
      && [[ $answer == SUCCEEDED ]]; then fits+=$member; fi
  done
  case $fits in DnsName) seen=javaV2 ;; DNSName) seen=api ;; '') seen=neither ;; *) seen=both ;; esac
  judge E6 answerCasing javaV2 "$seen" "a mocked answer may have: ${fits:-none of the two}"
}

check_SDK_SFN_DescribeExecution() {
  ensure_role
  local machine status
  machine=$(call stepfunctions create-state-machine --name "$name" --role-arn "$role" --query stateMachineArn --output text --definition \
    '{"StartAt":"Now","States":{"Now":{"Type":"Pass","Parameters":{"at.$":"$$.Execution.StartTime"},"OutputPath":"$.at","End":true}}}')
  defer undo stepfunctions delete-state-machine --state-machine-arn "$machine"
  execution=$(call stepfunctions start-execution --state-machine-arn "$machine" --query executionArn --output text)
  wait_for ExecutionSucceeded 0 60 stepfunctions get-execution-history --execution-arn "$execution" --reverse-order --max-items 1 \
    --query 'events[0].type' --output text
  status=$(execution_is status)
  if [[ $status == RUNNING ]]; then seen=late; else seen=atOnce; fi
  judge 'SDK-SFN DescribeExecution' describedExecution atOnce "$seen" "the history has ended, DescribeExecution says $status"
}

check_E14() { # on the execution of the check before
  local started described
  wait_for SUCCEEDED 2 60 stepfunctions describe-execution --execution-arn "$execution" --query status --output text
  described=$(execution_is startDate)
  started=$(execution_is output)
  case $(($(seconds "${started//\"/}") - $(seconds "$described"))) in 0) seen=sameSecond ;; 1) seen=secondBefore ;; *) seen=another ;; esac
  judge E14 describedStart sameSecond "$seen" "StartTime $started, startDate $described"
}

execution_is() { call stepfunctions describe-execution --execution-arn "$execution" --query "$1" --output text; }

check_E19() {
  local template
  template=$(call ec2 create-launch-template --launch-template-name "$name" --launch-template-data '{"InstanceInitiatedShutdownBehavior":"terminate"}' \
    --query LaunchTemplate.LaunchTemplateId --output text)
  defer undo ec2 delete-launch-template --launch-template-id "$template"
  if accepted ec2 describe-launch-templates --launch-template-ids "$template"; then seen=visibleAtOnce; else seen=visibleLate; fi
  judge E19 newLaunchTemplate visibleAtOnce "$seen"
}

check_D5_4() {
  local definition found
  definition=$(call batch register-job-definition --job-definition-name "$name" --type container --query jobDefinitionArn --output text \
    --container-properties '{"image":"busybox","resourceRequirements":[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"64"}]}')
  found=$(call batch describe-job-definitions --job-definition-name "$name" --status ACTIVE --query 'length(jobDefinitions)' --output text)
  if [[ $found == 0 ]]; then seen=late; else seen=atOnce; fi
  judge D5.4 definitionRevisions atOnce "$seen"
  call batch deregister-job-definition --job-definition "$definition" >/dev/null
  if accepted batch deregister-job-definition --job-definition "$definition"; then seen=accepted; else seen=refused; fi
  judge D5.4 deregisterTwice accepted "$seen" "$answer"
}
