/**
 * Secrets out of texts that are kept: keys, tokens, passwords, as they look and as this process knows them. Pure. What is taken away by
 * mistake is a nuisance, what is left is a leak: so a long random text counts as a secret.
 */

const hidden = '[redacted]';
const maxDepth = 20;

/** Names behind which a secret stands, in whatever case and with whatever between the words. */
const secretName =
  /pass(?:word|wd|phrase)?|secret|token|api[-_]?key|authori[sz]ation|cookie|credential|private[-_]?key/i;

const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  // Ours, and those of the services that clients use beside us.
  [/\bdeci_[0-9a-f]{8,}\b/gi, `deci_${hidden}`],
  [/\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][\w-]{12,}/g, hidden],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${hidden}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, hidden],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
  // `//user:password@host`
  [/(\/\/)[^\s/@:]*:[^\s/@]*@/g, `$1${hidden}@`],
  // `name=value`, `"name": "value"`, `name: value`
  [
    /((?:[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|authori[sz]ation|cookie|credential|private[-_]?key)[\w-]*)["']?\s*[:=]\s*["']?)(?!\[redacted\])[^\s"',;&}]+/gi,
    `$1${hidden}`,
  ],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{32,}\b/gi, hidden],
  [/\b(?=[A-Za-z0-9+_]*\d)(?=[A-Za-z0-9+_]*[a-z])(?=[A-Za-z0-9+_]*[A-Z])[A-Za-z0-9+_]{40,}={0,2}/g, hidden],
];

/** @param secrets texts that are known to be secret, wherever they stand */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let safe = text;
  for (const secret of secrets) safe = safe.replaceAll(secret, hidden);
  for (const [pattern, replacement] of patterns) safe = safe.replace(pattern, replacement);
  return safe;
}

/** Every text in it, and whatever stands behind the name of a secret. */
export function redact(value: unknown, secrets: readonly string[] = [], depth = 0): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxDepth) return hidden;
  if (Array.isArray(value)) return value.map(item => redact(item, secrets, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && typeof inner === 'string' ? hidden : redact(inner, secrets, depth + 1),
    ]),
  );
}

/** Shorter ones are words that may stand anywhere. */
const leastSecretChars = 8;

/** What of the environment is secret, by its name. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value = '']) =>
    (secretName.test(name) || /key$/i.test(name)) && value.length >= leastSecretChars ? [value] : [],
  );
}
