import { App, Size, Stack } from 'aws-cdk-lib';
import { JobImage, LustreAutoExportPipeline } from 'cdk-lustre-auto-export';
import { ArrayThenMerge } from './array-then-merge';

const app = new App();
const stack = new Stack(app, 'OwnWorkload');

new LustreAutoExportPipeline(stack, 'Pipeline', {
  workload: new ArrayThenMerge(stack, 'ArrayThenMerge', {
    size: 20,
    arrayCommand: ['sh', '-c', [
      'set -e',
      'cd "$LUSTRE_PATH"',
      'part="part-$AWS_BATCH_JOB_ARRAY_INDEX"',
      '[ -e "$part" ] && exit', // a child that is tried again finds what is done; what is half done has another name
      'echo "result of $part" > "$part.tmp"',
      'sync "$part.tmp"', // the data has to be on the file servers before the name says so
      'mv "$part.tmp" "$part"',
    ].join('; ')],
    mergeCommand: ['sh', '-c', 'cd "$LUSTRE_PATH" && ls part-* | sort -t - -k 2 -n | xargs cat > all.tmp && sync all.tmp && mv all.tmp all'],
  }),
  jobDefinitionContainerImage: JobImage.fromRegistry('public.ecr.aws/docker/library/busybox:1.36'),
  jobDefinitionVcpus: 1, // of each child, and of the merge
  jobDefinitionMemory: Size.gibibytes(1),
});

app.synth();
