interface Frozen {
  real: unknown;
  readonly values: { readonly value: unknown }[];
}

const frozen = new WeakMap<object, Map<PropertyKey, Frozen>>();

/**
 * Some things are not the model's to steer: it is told that they stay as they are, the latest teller first.
 * What it returns takes that back; when everybody has, they are what they have become.
 */
export function freeze<T extends object, K extends keyof T>(target: T, member: K, value: T[K]): () => void {
  const members = frozen.get(target) ?? new Map<PropertyKey, Frozen>();
  frozen.set(target, members);
  const state: Frozen = members.get(member) ?? { real: target[member], values: [] };
  members.set(member, state);
  const mine = { value };
  state.values.push(mine);
  const get = () => state.values.at(-1)!.value;
  Object.defineProperty(target, member, { configurable: true, enumerable: true, get, set: (given) => { state.real = given; } });
  return () => {
    if (!state.values.includes(mine)) return;
    state.values.splice(state.values.indexOf(mine), 1);
    if (state.values.length > 0) return;
    members.delete(member);
    Object.defineProperty(target, member, { configurable: true, enumerable: true, writable: true, value: state.real });
  };
}
