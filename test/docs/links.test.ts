import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })];

/** Targets of Markdown links, and paths in code marks that name a file or folder of ours. */
function targets(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => join(dirname(page), match[1]!));
  const paths = [...text.matchAll(/`((?:src|test|scripts|bench|docs)\/[\w./-]+)`/g)].map(match => match[1]!);
  return [...links, ...paths];
}

test('the pages name only files that exist', () => {
  const missing = pages.flatMap(page =>
    targets(page)
      .filter(target => !existsSync(join(root, target)))
      .map(target => `${page}: ${target}`),
  );
  assert.deepEqual(missing, []);
});

test('pages are looked at', () => {
  assert.ok(pages.length >= 10);
  assert.ok(pages.flatMap(targets).length >= 20);
});
