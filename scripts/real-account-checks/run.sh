# shellcheck shell=bash disable=SC2016,SC2154,SC2034 # read by ../real-account-checks.sh, whose tools and variables it uses
# One run of the stack's pipeline, whose job writes a file with a name that is not UTF-8 and one whose key is too long for S3. It has to
# end with FilesNotExported and keep its file system, which is then deleted.

run_checks=(run A8_3_report A5_6)

check_run() {
  local machine input
  machine=$(resource AWS::StepFunctions::StateMachine)
  bucket=$(resource AWS::S3::Bucket)
  # eight directories of 150 bytes below one another
  input='{"lustreStorageCapacity":1200,"jobDefinitionVcpus":1,"jobDefinitionMemory":512,
    "jobDefinitionContainerImage":"public.ecr.aws/docker/library/busybox:1.36","jobCommand":["sh","-c","'
  input+='cd $LUSTRE_PATH && touch good $(printf bad-\\\\377) && long=$(printf %0150d 0) && '
  input+='for i in 1 2 3 4 5 6 7 8; do mkdir $long && cd $long || exit 1; done && touch too-long"]}'
  execution=$(call stepfunctions start-execution --state-machine-arn "$machine" --input "$input" --query executionArn --output text)
  defer delete_kept
  wait_for 'SUCCEEDED|FAILED|TIMED_OUT|ABORTED' 60 240 stepfunctions describe-execution --execution-arn "$execution" --query status --output text
  [[ -n $dry_run ]] || say "$execution: $answer, $(call stepfunctions describe-execution --execution-arn "$execution" --query error --output text); FilesNotExported is expected"
}

delete_kept() {
  local kept
  kept=$(call fsx describe-file-systems --output text \
    --query "FileSystems[?Tags[?Key=='cdk-lustre-auto-export:execution-arn' && Value=='$execution']].FileSystemId | [0]")
  [[ $kept == None ]] || call fsx delete-file-system --file-system-id "$kept"
}

check_A8_3_report() {
  local line
  key=$(call s3api list-objects-v2 --bucket "$bucket" --output text \
    --query "sort_by(Contents[?ends_with(Key, 'failures.csv')], &LastModified)[-1].Key")
  report=$(call s3 cp "s3://$bucket/$key" -)
  if [[ $key == *task-task-* ]]; then seen=twice; else seen=once; fi
  judge A8.3 reportPath once "$seen" "$key"
  line=${report%%$'\n'*}
  if [[ $line == FilePath* ]]; then seen=yes; else seen=no; fi
  judge A8.3 reportHeader no "$seen" "first line: $line"
  line=$(grep bad- <<<"$report" || :)
  if [[ ${line//\"/} == /* ]]; then seen=absolute; else seen=relative; fi
  judge A8.3 reportFilePath relative "$seen" "$line"
  case $line in *,failed,*) seen=failed ;; *,FAILED,*) seen=FAILED ;; *) seen=another ;; esac
  judge A8.3 reportStatus failed "$seen" "$line"
}

check_A5_6() {
  local code
  code=$(grep bad- <<<"$report" | tr -d '\r"' | awk -F, '{ print $NF }' || :)
  judge A5.6 utf8Failure InternalError "${code:-not in the report}" "$report"
}
