/**
 * The shell scripts in a user data text, in order, as cloud-init finds them after Batch has merged its own part into it.
 * Strict: what does not look exactly like Batch's documentation (D2.1) holds no script, and nobody on the host complains.
 */
export function shellScripts(userData: string): string[] {
  const head = /^MIME-Version: 1\.0\nContent-Type: multipart\/mixed; boundary="([^"\n]+)"\n\n/.exec(userData);
  if (!head || !/^[\x00-\x7f]*$/.test(userData)) {
    return [];
  }
  const parts = userData.slice(head[0].length - 1).split(`\n--${head[1]}`);
  const end = parts.pop()!;
  // each boundary has a blank line before it; the last one is closed
  if (parts.length < 2 || parts.shift() !== '' || !/^--\n*$/.test(end) || parts.some((part) => !part.endsWith('\n'))) {
    return [];
  }
  return parts.flatMap((part) => {
    const [, headers, body] = /^\n((?:[\w-]+: [^\n]*\n)+)\n([^]*)$/.exec(part) ?? [];
    return headers && /^Content-Type: text\/x-shellscript\b/im.test(headers) && body.startsWith('#!') ? [body] : [];
  });
}
