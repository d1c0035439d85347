# shellcheck shell=bash disable=SC2016,SC2154,SC2034 # read by ../real-account-checks.sh, whose tools and variables it uses
# On the compute environment of the stack: no instance starts, because no job that could run is submitted.

batch_checks=(D1_5 D1_3 D1_8 D5_2) # D1_10 in the middle of D1_3

update_environment() { accepted batch update-compute-environment --compute-environment "$environment" --compute-resources "launchTemplate={launchTemplateId=$1,version=$2}"; }
environment_is() { call batch describe-compute-environments --compute-environments "$environment" --query "computeEnvironments[0].$1" --output text; }
environment_settles() { wait_for 'VALID|INVALID' 15 240 batch describe-compute-environments --compute-environments "$environment" --query 'computeEnvironments[0].status' --output text; }
environment_back() {
  environment_settles
  update_environment "$base" '$Latest'
}

check_D1_5() {
  local version
  environment=$(resource AWS::Batch::ComputeEnvironment)
  base=$(environment_is computeResources.launchTemplate.launchTemplateId)
  version=$(environment_is computeResources.launchTemplate.version)
  if [[ $version == '$Latest' ]]; then seen=asGiven; else seen=resolved; fi
  judge D1.5 describedTemplateVersion asGiven "$seen" "the stack gives \$Latest, Describe shows $version"
}

check_D1_3() {
  local began status
  template=$(call ec2 create-launch-template --launch-template-name "$name-batch" --launch-template-data '{"InstanceInitiatedShutdownBehavior":"terminate"}' \
    --query LaunchTemplate.LaunchTemplateId --output text)
  defer undo ec2 delete-launch-template --launch-template-id "$template"
  pause 30
  defer environment_back
  began=$(date +%s)
  update_environment "$template" 1 || { say "the update is refused: $answer"; return 1; }
  status=$(environment_is status)
  if [[ $status == UPDATING ]]; then seen=atOnce; else seen=late; fi
  judge D1.3 updateShows atOnce "$seen" "right after the update: $status"
  check_D1_10
  environment_settles
  local minutes=$((($(date +%s) - began) / 60))
  if ((minutes < 10)); then seen=twoMinutes; else seen=thirtyMinutes; fi
  judge D1.3 idleUpdate twoMinutes "$seen" "$minutes minutes"
}

check_D1_10() { # in the middle of the update of check_D1_3
  wait_for UPDATING 5 24 batch describe-compute-environments --compute-environments "$environment" --query 'computeEnvironments[0].status' --output text
  if update_environment "$base" '$Latest'; then
    environment_settles
    if [[ $(environment_is computeResources.launchTemplate.launchTemplateId) == "$base" ]]; then seen=queued; else seen=ignored; fi
  else
    seen=refused
  fi
  judge D1.10 updateWhileUpdating refused "$seen" "$answer"
}

check_D1_8() {
  environment_back || :
  environment_settles
  if update_environment lt-00000000000000000 1; then seen=accepted; else seen=refused; fi
  judge D1.8 missingLaunchTemplate refused "$seen" "$answer"
}

check_D5_2() { # a job that no instance of the environment is large enough for
  local queue definition job found began
  queue=$(resource AWS::Batch::JobQueue)
  definition=$(call batch register-job-definition --job-definition-name "$name-large" --type container --query jobDefinitionArn --output text \
    --container-properties '{"image":"busybox","resourceRequirements":[{"type":"VCPU","value":"9999"},{"type":"MEMORY","value":"64"}]}')
  defer undo batch deregister-job-definition --job-definition "$definition"
  job=$(call batch submit-job --job-name "$name" --job-queue "$queue" --job-definition "$definition" --query jobId --output text)
  defer undo batch terminate-job --job-id "$job" --reason 'check ended'
  found=$(call batch list-jobs --job-queue "$queue" --filters "name=JOB_NAME,values=$name" --query 'length(jobSummaryList)' --output text)
  if [[ $found == 0 ]]; then seen=late; else seen=atOnce; fi
  judge E19 listJobs atOnce "$seen"
  pause 60
  began=$(date +%s)
  call batch terminate-job --job-id "$job" --reason check >/dev/null
  wait_for FAILED 5 240 batch describe-jobs --jobs "$job" --query 'jobs[0].status' --output text
  if (($(date +%s) - began < 60)); then seen=failed; else seen=failedLate; fi
  judge D5.2 terminateQueuedJob failed "$seen" "$(($(date +%s) - began)) s"
}
