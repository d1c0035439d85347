import {
  type AttributeValue, type ConditionalCheckFailedException, DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { Claim, Lock, LockStep, lockStep } from './run-lock';
import type { EnvironmentSettings } from '../../src/private/batch-environment-payloads';
import { requireField } from '../shared/answer';
import { findExecution } from '../shared/execution';

const dynamodb = new DynamoDBClient({});

type Item = Record<string, AttributeValue>;

/** The lock of an environment as it is now, and whether it is the claim's. */
export interface Taken {
  readonly taken: boolean;
  readonly lock: Lock;
}

export async function readLock(settings: EnvironmentSettings): Promise<Lock | undefined> {
  // without it the answer may be older than the last write
  const { Item: found } = await dynamodb.send(new GetItemCommand({ TableName: settings.lockTable, Key: keyOf(settings), ConsistentRead: true }));
  return found && lockOf(found);
}

/** Gets the lock where it is free, ours, or left by the dead. The same call again gives the same answer. */
export async function takeLock(settings: EnvironmentSettings, claim: Claim): Promise<Taken> {
  const ours = { ...claim, since: new Date().toISOString() };
  const found = await put(settings, ours);
  if (!found) return { taken: true, lock: ours };
  switch (await stepOf(found, claim)) {
    case 'RESERVED': return { taken: true, lock: found };
    case 'WAIT': return { taken: false, lock: found };
    case 'TAKE_OVER': {
      const faster = await put(settings, ours, found);
      return faster ? { taken: false, lock: faster } : { taken: true, lock: ours };
    }
  }
}

/** Gives back what is the run's; what is somebody else's, or held by another clean-up that lives, stays. */
export async function giveBackLock(settings: EnvironmentSettings, claim: Claim): Promise<boolean> {
  const lock = await readLock(settings);
  if (lock?.owner !== claim.owner || await stepOf(lock, claim) === 'WAIT') return false;
  const remove = (condition: object) => dynamodb.send(new DeleteItemCommand({ TableName: settings.lockTable, Key: keyOf(settings), ...condition }));
  return await conditionally(lock, remove) === undefined;
}

async function stepOf(lock: Lock, claim: Claim): Promise<LockStep> {
  const executions = [...new Set([lock.owner, lock.holder])];
  const described = await Promise.all(executions.map((each) => findExecution(each)));
  const statuses = new Map(executions.map((each, i) => [each, described[i] && requireField(described[i].status, 'status')]));
  return lockStep(lock, claim, (executionArn) => statuses.get(executionArn), Date.now());
}

/** Writes the lock over `before`, or where there is none. @returns the lock that was there instead */
async function put(settings: EnvironmentSettings, lock: Lock, before?: Lock): Promise<Lock | undefined> {
  return conditionally(before, (condition) => dynamodb.send(new PutItemCommand({
    TableName: settings.lockTable,
    Item: { ...keyOf(settings), owner: { S: lock.owner }, holder: { S: lock.holder }, since: { S: lock.since } },
    ...condition,
  })));
}

/** Sends a call that holds only while the lock is exactly that one. */
async function conditionally(before: Lock | undefined, send: (condition: object) => Promise<unknown>): Promise<Lock | undefined> {
  try {
    await send({
      ...before ? {
        ConditionExpression: '#owner = :owner AND #holder = :holder',
        ExpressionAttributeNames: { '#owner': 'owner', '#holder': 'holder' },
        ExpressionAttributeValues: { ':owner': { S: before.owner }, ':holder': { S: before.holder } },
      } : {
        ConditionExpression: 'attribute_not_exists(#environment)',
        ExpressionAttributeNames: { '#environment': 'environment' },
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return undefined;
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
    // no item: given back in this very moment, so that the next try gets it
    return lockOf(requireField((error as ConditionalCheckFailedException).Item, 'Item'));
  }
}

const keyOf = ({ computeEnvironmentArn }: EnvironmentSettings): Item => ({ environment: { S: computeEnvironmentArn } });

function lockOf({ owner, holder, since }: Item): Lock {
  return { owner: requireField(owner?.S, 'Item.owner'), holder: requireField(holder?.S, 'Item.holder'), since: requireField(since?.S, 'Item.since') };
}
