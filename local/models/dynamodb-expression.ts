import { AwsError } from '../world';
import { canonical, NotModelled } from './checks';

/** Attributes by name, each as `{ S: 'text' }` and the like. */
export type Item = Record<string, any>;

const TOKEN = /\s*(attribute_exists|attribute_not_exists|AND|OR|SET|REMOVE|[#:]\w+|[(),=])/iy;

/** Expressions of one call: conditions with attribute_exists, attribute_not_exists, `=`, AND, OR; updates with SET and REMOVE. */
export class Expression {
  private readonly unused: Set<string>;
  private tokens: string[] = [];

  constructor(private readonly names: Record<string, string> = {}, private readonly values: Record<string, any> = {}) {
    this.unused = new Set([...Object.keys(names), ...Object.keys(values)]);
  }

  public holds(item: Item = {}, condition: string): boolean {
    this.tokens = tokens(condition);
    const result = this.either(item);
    this.end(condition);
    return result;
  }

  public update(item: Item, expression: string): Item {
    this.tokens = tokens(expression);
    const next = { ...item };
    while (this.tokens.length > 0) {
      const isSet = this.taken('SET');
      if (!isSet) this.take('REMOVE');
      do {
        const name = this.name();
        if (isSet) {
          this.take('=');
          next[name] = this.value();
        } else {
          delete next[name];
        }
      } while (this.taken(','));
    }
    return next;
  }

  /** DynamoDB refuses a name or a value that no expression uses. */
  public checkAllUsed(): void {
    if (this.unused.size === 0) return;
    throw new AwsError('ValidationException', `Value provided in ExpressionAttributeNames or ExpressionAttributeValues unused in expressions: ${[...this.unused]}`);
  }

  /** AND binds closer than OR. All is read, whatever the result of its first part. */
  private either(item: Item): boolean {
    let result = this.both(item);
    while (this.taken('OR')) result = [this.both(item), result].some(Boolean);
    return result;
  }

  private both(item: Item): boolean {
    let result = this.one(item);
    while (this.taken('AND')) result = [this.one(item), result].every(Boolean);
    return result;
  }

  private one(item: Item): boolean {
    if (this.taken('(')) return this.closed(this.either(item));
    for (const [test, wanted] of [['attribute_exists', true], ['attribute_not_exists', false]] as const) {
      if (!this.taken(test)) continue;
      this.take('(');
      return this.closed((this.name() in item) === wanted);
    }
    const left = item[this.name()];
    this.take('=');
    return canonical(left) === canonical(this.value());
  }

  private closed(result: boolean): boolean {
    this.take(')');
    return result;
  }

  private name(): string {
    const token = this.tokens.shift();
    // hundreds of words are reserved (DDB ReservedWords), `owner` among them: only names by `#name` are always right
    if (!token?.startsWith('#')) throw new NotModelled(`an attribute that is not given as #name: ${token}`);
    return this.defined(token, this.names);
  }

  private value(): any {
    const token = this.tokens.shift();
    if (!token?.startsWith(':')) throw new NotModelled(`an operand that is not given as :value: ${token}`);
    return this.defined(token, this.values);
  }

  private defined(token: string, given: Record<string, any>): any {
    if (!(token in given)) throw new AwsError('ValidationException', `An expression attribute name or value used in expression is not defined: ${token}`);
    this.unused.delete(token);
    return given[token];
  }

  private taken(word: string): boolean {
    if (this.tokens[0]?.toUpperCase() !== word.toUpperCase()) return false;
    this.tokens.shift();
    return true;
  }

  private take(word: string): void {
    if (!this.taken(word)) throw new AwsError('ValidationException', `Invalid expression: Syntax error; expected ${word}, token: ${this.tokens[0]}`);
  }

  private end(expression: string): void {
    if (this.tokens.length > 0) throw new AwsError('ValidationException', `Invalid expression: Syntax error; token: ${this.tokens[0]}, in ${expression}`);
  }
}

function tokens(expression: string): string[] {
  const found: string[] = [];
  const text = expression.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new NotModelled(`this part of an expression of DynamoDB: ${text.slice(at)}`);
    found.push(token);
  }
  return found;
}
