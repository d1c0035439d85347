import { AwsError, ResolvedResource, ServiceModel, World } from '../world';
import { canonical, NotModelled, onlyModelled } from './checks';
import { Expression, Item } from './dynamodb-expression';

type Input = Record<string, any>;

interface Table {
  readonly name: string;
  readonly arn: string;
  /** Partition key, and sort key if there is one. */
  readonly keys: string[];
  readonly items: Map<string, Item>;
}

/** Parameters that every call with a condition may have. */
const CONDITIONAL = ['TableName', 'ConditionExpression', 'ExpressionAttributeNames', 'ExpressionAttributeValues', 'ReturnValues',
  'ReturnValuesOnConditionCheckFailure'];

/** Single items with conditions: as much of DynamoDB as a lock needs. A write is seen by every consistent read after it. */
export class DynamoDbModel implements ServiceModel {
  readonly service = 'dynamodb';
  private readonly tables: Table[] = [];

  constructor(private readonly world: World) {}

  load(resources: ResolvedResource[]): void {
    for (const { type, physicalId, arn, properties } of resources) {
      if (type !== 'AWS::DynamoDB::Table' || this.tables.some((each) => each.arn === arn)) continue;
      const keys = properties.KeySchema.map((each: any) => each.AttributeName);
      this.tables.push({ name: physicalId, arn: arn!, keys, items: new Map() });
    }
  }

  /** Ground truth: every item of every table. */
  items(): { readonly table: string; readonly item: Item }[] {
    return this.tables.flatMap(({ name, items }) => [...items.values()].map((item) => ({ table: name, item })));
  }

  call(action: string, input: Input): unknown {
    switch (action) {
      case 'GetItem': return this.get(input);
      case 'PutItem': return this.write(action, input, ['Item'], input.Item, () => input.Item);
      case 'DeleteItem': return this.write(action, input, ['Key'], input.Key, () => undefined);
      case 'UpdateItem': return this.write(action, input, ['Key', 'UpdateExpression'], input.Key,
        (old, expression) => expression.update(old ?? input.Key, input.UpdateExpression));
      default: throw new NotModelled(`dynamodb:${action}`);
    }
  }

  private get(input: Input): unknown {
    onlyModelled('dynamodb:GetItem', input, ['TableName', 'Key', 'ConsistentRead']);
    // without it the answer may miss what has just been written (DDB GetItem): nothing that decides may rest on it
    if (input.ConsistentRead !== true) throw new NotModelled('dynamodb:GetItem without ConsistentRead');
    const table = this.table(input.TableName);
    return { Item: table.items.get(keyOf(table, input.Key, true)) };
  }

  private write(
    action: string, input: Input, own: string[], given: Item, make: (old: Item | undefined, expression: Expression) => Item | undefined,
  ): unknown {
    onlyModelled(`dynamodb:${action}`, input, [...CONDITIONAL, ...own]);
    const table = this.table(input.TableName);
    const key = keyOf(table, given, action !== 'PutItem');
    const old = table.items.get(key);
    const expression = new Expression(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
    const holds = input.ConditionExpression === undefined || expression.holds(old, input.ConditionExpression);
    const next = make(old, expression);
    expression.checkAllUsed();
    if (!holds) {
      const met = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? old : undefined;
      throw new AwsError('ConditionalCheckFailedException', 'The conditional request failed', { Item: met });
    }
    if (next) table.items.set(key, next); else table.items.delete(key);
    switch (input.ReturnValues ?? 'NONE') {
      case 'NONE': return {};
      case 'ALL_OLD': return { Attributes: old };
      case 'ALL_NEW': if (action === 'UpdateItem') return { Attributes: next };
    }
    throw new NotModelled(`dynamodb:${action}.ReturnValues ${input.ReturnValues}`);
  }

  private table(nameOrArn: string): Table {
    const found = this.tables.find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
    if (!found) throw new AwsError('ResourceNotFoundException', `Requested resource not found: Table: ${nameOrArn} not found in ${this.world.region}`);
    return found;
  }
}

function keyOf({ keys }: Table, given: Item, exactly: boolean): string {
  const names = Object.keys(given);
  if (keys.some((each) => !names.includes(each)) || (exactly && names.length !== keys.length)) {
    throw new AwsError('ValidationException', 'The provided key element does not match the schema');
  }
  return canonical(keys.map((each) => given[each]));
}
