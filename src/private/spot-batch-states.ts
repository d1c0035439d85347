import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { IResolvable, Lazy } from 'aws-cdk-lib/core';
import { EnvironmentSettings, launchTemplateName, RUN_TEMPLATE_VERSION } from './batch-environment-payloads';
import { hostPathFormat, RUN_LINE_FORMAT, RunUserData } from './host-user-data';
import { InvocationProps, PartFunction } from './part-function';
import { PollLoop } from './poll-loop';
import { RunLockStates } from './run-lock-states';
import { SdkCall } from './sdk-call';
import { RunTag } from './tags';
import { BatchEnvironmentContext } from '../batch-environment';

export interface SpotBatchStatesProps {
  readonly handler: PartFunction;
  readonly settings: EnvironmentSettings;
  readonly jobQueueArn: string;
  readonly userData: RunUserData;
  /** What a run's launch template has besides user data and tags, in the case of the API. */
  readonly launchTemplateData: { [key: string]: unknown };
  /** Tags of the environment, known when the tree is synthesized. */
  readonly tags: () => { [key: string]: string };
}

/** A path that is not there cannot be compared: that would end the execution with an error that nothing catches (E18). */
const is = (path: string, condition: (path: string) => sfn.Condition) => sfn.Condition.and(sfn.Condition.isPresent(path), condition(path));

/** A refused update is looked at again, not failed: the environment may be UPDATING already (D1.10). */
const UPDATE_REFUSED = ['Batch.ClientException'];

/**
 * The states of an environment that is pointed to a launch template of the run and back. One function looks, direct calls
 * act; what they answer is dropped, the next look tells what came of it.
 */
export class SpotBatchStates {
  private readonly lock: RunLockStates;

  constructor(private readonly props: SpotBatchStatesProps) {
    this.lock = new RunLockStates(props.handler, props.settings);
  }

  public reserve(context: BatchEnvironmentContext): sfn.IChainable {
    return this.lock.reserve(context);
  }

  public attach(context: BatchEnvironmentContext): sfn.IChainable {
    const { scope, statePrefix, runPath, fileSystemPath, associationPath, resultPath } = context;
    const prepare = new sfn.Pass(scope, `${statePrefix}PrepareLaunchTemplate`, {
      comment: 'The user data in three pieces: only the line between them differs from run to run',
      parameters: {
        ...this.props.userData,
        'line.$': `States.Format('${RUN_LINE_FORMAT}', ${[
          `${fileSystemPath}.fileSystemId`,
          `${fileSystemPath}.mountName`,
          `${associationPath}.fileSystemPath`,
          `States.Format('${hostPathFormat()}', ${fileSystemPath}.fileSystemId)`,
          `${runPath}.id`,
        ].join(', ')})`,
        'check': {},
        'refused': {},
      },
      resultPath,
    });
    const create = new SdkCall(scope, `${statePrefix}CreateLaunchTemplate`, {
      service: 'ec2',
      action: 'createLaunchTemplate',
      parameters: {
        'ClientToken.$': `States.Format('template-{}', ${runPath}.token)`,
        'LaunchTemplateName.$': this.runTemplateName(context),
        'LaunchTemplateData': {
          ...this.props.launchTemplateData,
          // at most 10,000 characters (E12)
          'UserData.$': `States.Base64Encode(States.Format('{}{}{}', ${resultPath}.head, ${resultPath}.line, ${resultPath}.tail))`,
          // Batch adds them to the tags of the compute environment, so that an instance tells its run
          'TagSpecifications': ['instance', 'volume'].map((type) => ({ ResourceType: type, Tags: this.runTags(context) })),
        },
        'TagSpecifications': [{ ResourceType: 'launch-template', Tags: this.runTags(context) }],
      },
      failures: context.failures,
    });
    const loop = this.awaitEnvironment(context, {
      path: resultPath,
      check: 'CheckComputeEnvironment',
      wait: 'WaitForComputeEnvironment',
      choice: 'IsComputeEnvironmentReady',
      update: 'UpdateComputeEnvironment',
      launchTemplate: { 'LaunchTemplateId.$': `${resultPath}.check.launchTemplateId`, 'Version': RUN_TEMPLATE_VERSION },
      giveUp: 'GiveUpOnComputeEnvironment',
    });
    const share = new sfn.Pass(scope, `${statePrefix}ShareJobQueue`, {
      parameters: {
        'jobQueueArn': this.props.jobQueueArn,
        'hostPath.$': `States.Format('${hostPathFormat()}', ${fileSystemPath}.fileSystemId)`,
      },
      resultPath,
    });
    return sfn.Chain.start(prepare).next(create).next(loop.chain).next(share);
  }

  public detach(context: BatchEnvironmentContext): sfn.IChainable {
    const { scope, statePrefix, resultPath } = context;
    const path = `${resultPath}.detach`;
    const prepare = new sfn.Pass(scope, `${statePrefix}PrepareDetach`, { parameters: { check: {}, refused: {} }, resultPath: path });
    const loop = this.awaitEnvironment(context, {
      path,
      check: 'CheckComputeEnvironmentReturned',
      wait: 'WaitForComputeEnvironmentReturn',
      choice: 'IsComputeEnvironmentReturned',
      update: 'ReturnComputeEnvironment',
      // evaluated at each update, so that a deploy that changes the base template does not touch the environment of a run (D1.5)
      launchTemplate: { LaunchTemplateId: this.props.settings.baseLaunchTemplateId, Version: '$Latest' },
      giveUp: 'GiveUpOnComputeEnvironmentReturn',
    });
    const instances = this.awaitInstances(context, path);
    const remove = new SdkCall(scope, `${statePrefix}DeleteLaunchTemplate`, {
      service: 'ec2',
      action: 'deleteLaunchTemplate',
      parameters: { 'LaunchTemplateName.$': this.runTemplateName(context) },
      comment: 'Best effort: a launch template that stays costs nothing',
      expected: { errors: ['States.TaskFailed', 'States.Timeout'], retry: true, then: instances.chain, resultPath: sfn.JsonPath.DISCARD },
      failures: context.failures,
    });
    const left = new sfn.Choice(scope, `${statePrefix}IsLaunchTemplateLeft`)
      .when(is(`${path}.check.launchTemplateExists`, (at) => sfn.Condition.booleanEquals(at, false)), instances.chain)
      .otherwise(remove);
    remove.next(instances.chain);
    const quiet = new sfn.Pass(scope, `${statePrefix}NoteQuietTime`, { inputPath: `${path}.instances.quietAt`, resultPath: `${resultPath}.quietAt` });
    sfn.Chain.start(instances.chain).next(this.lock.release(context, quiet));
    prepare.next(loop.chain);
    sfn.Chain.start(loop.chain).next(left);
    return sfn.Chain.custom(prepare, [quiet], quiet);
  }

  /** Looks until the environment is VALID with the launch template wanted, and updates it where that is needed. */
  private awaitEnvironment(context: BatchEnvironmentContext, names: EnvironmentLoop): PollLoop {
    const { path } = names;
    return new PollLoop(context.scope, {
      statePrefix: context.statePrefix,
      wait: names.wait,
      checks: [this.invocation(context, names.check, `${path}.check`, {
        run: sfn.JsonPath.objectAt(context.runPath),
        self: sfn.JsonPath.stringAt('$$.Execution.Id'),
        turn: sfn.JsonPath.numberAt(`${path}.wait.turn`),
        before: sfn.JsonPath.objectAt(`${path}.check`),
        refused: sfn.JsonPath.objectAt(`${path}.refused`),
      })],
      choice: names.choice,
      done: is(`${path}.check.next`, (at) => sfn.Condition.stringEquals(at, 'DONE')),
      branches: [{
        when: is(`${path}.check.next`, (at) => sfn.Condition.stringEquals(at, 'UPDATE')),
        then: (again) => new SdkCall(context.scope, `${context.statePrefix}${names.update}`, {
          service: 'batch',
          action: 'updateComputeEnvironment',
          parameters: { ComputeEnvironment: this.props.settings.computeEnvironmentArn, ComputeResources: { LaunchTemplate: names.launchTemplate } },
          expected: { errors: UPDATE_REFUSED, retry: false, then: again, resultPath: `${path}.refused` },
          failures: context.failures,
        }).next(again),
      }],
      giveUp: this.invocation(context, names.giveUp, `${path}.gaveUp`, {
        check: sfn.JsonPath.objectAt(`${path}.check`),
        refused: sfn.JsonPath.objectAt(`${path}.refused`),
      }),
      schedulePath: context.schedulePath,
      counterPath: `${path}.wait`,
      lookFirst: true,
    });
  }

  /** Looks until no instance is left that has the run's file system mounted; has the whole schedule for itself. */
  private awaitInstances(context: BatchEnvironmentContext, path: string): PollLoop {
    return new PollLoop(context.scope, {
      statePrefix: context.statePrefix,
      wait: 'WaitForInstancesToEnd',
      checks: [this.invocation(context, 'CheckInstances', `${path}.instances`, {
        run: sfn.JsonPath.objectAt(context.runPath),
        detachedAt: sfn.JsonPath.stringAt(`${path}.check.seenAt`),
      })],
      choice: 'AreInstancesGone',
      done: is(`${path}.instances.remaining`, (at) => sfn.Condition.numberEquals(at, 0)),
      giveUp: this.invocation(context, 'GiveUpOnInstances', `${path}.gaveUp`, { instances: sfn.JsonPath.objectAt(`${path}.instances`) }),
      schedulePath: context.schedulePath,
      counterPath: `${path}.wait`,
      lookFirst: true,
    });
  }

  private invocation({ scope, statePrefix, failures }: BatchEnvironmentContext, action: string, resultPath: string, payload: InvocationProps['payload']) {
    return this.props.handler.invocation(scope, {
      action, statePrefix, resultPath, failures, payload: { settings: this.props.settings, ...payload },
    });
  }

  private runTemplateName({ runPath }: BatchEnvironmentContext): string {
    return `States.Format('${launchTemplateName('{}')}', ${runPath}.id)`;
  }

  /** Tags of the environment and of the run, as the States Language has them: the keys are known late, the values at run time. */
  private runTags({ runPath }: BatchEnvironmentContext): IResolvable {
    return Lazy.any({
      produce: () => [
        ...Object.entries(this.props.tags()).map(([Key, Value]) => ({ Key, Value })),
        { 'Key': RunTag.RUN_ID, 'Value.$': `${runPath}.id` },
        { 'Key': RunTag.EXECUTION_ARN, 'Value.$': `${runPath}.executionArn` },
        { 'Key': RunTag.STARTED_AT, 'Value.$': `${runPath}.startedAt` },
      ],
    });
  }
}

interface EnvironmentLoop {
  readonly path: string;
  readonly check: string;
  readonly wait: string;
  readonly choice: string;
  readonly update: string;
  readonly launchTemplate: { [key: string]: string };
  readonly giveUp: string;
}
