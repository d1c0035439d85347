import { NotModelled } from './checks';

/** EventBridge user guide, "event patterns": every field of the pattern must be met by one of its values. */
export function matchesPattern(pattern: Record<string, any>, event: any): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === '$or') return wanted.some((each: any) => matchesPattern(each, event));
    const found = event?.[field];
    if (!Array.isArray(wanted)) return typeof found === 'object' && found !== null && matchesPattern(wanted, found);
    const values = Array.isArray(found) ? found : [found];
    return wanted.some((each) => values.some((value) => meets(each, value)));
  });
}

function meets(wanted: any, value: unknown): boolean {
  if (wanted === null || typeof wanted !== 'object') return wanted === value;
  const [[operator, argument]] = Object.entries<any>(wanted);
  switch (operator) {
    case 'exists': return (value !== undefined) === argument;
    case 'prefix': return typeof value === 'string' && value.startsWith(argument);
    case 'anything-but': return value !== undefined && ![argument].flat().includes(value);
    default: throw new NotModelled(`${operator} in an event pattern`);
  }
}
