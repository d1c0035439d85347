/** The known name that somebody may have meant; undefined where none is near. */
export function nearMiss(name: string, known: readonly string[]): string | undefined {
  if (name.length < 3 || name.length > 64) return undefined;
  const given = name.toLowerCase().replace(/[-_ ]/g, '');
  // `vcpus` for `jobDefinitionVcpus`, `lustreStorageCapacityGiB` for `lustreStorageCapacity`
  const part = known.find((candidate) => given.length >= 4 && (candidate.toLowerCase().endsWith(given) || given.startsWith(candidate.toLowerCase())));
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: edits(given, candidate.toLowerCase()) }))
    .filter(({ candidate, edits: count }) => count <= Math.min(3, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return nearest?.candidate ?? part;
}

/** Letters to add, drop or change to get from one word to the other (Levenshtein). */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length];
}
