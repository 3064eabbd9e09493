/** Every healer has a page that a person can use at night, and every such page a healer. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { healerCatalogue } from '../../src/journal/healer-catalogue.ts';

const folder = new URL('../../docs/runbooks/', import.meta.url);
const index = 'README.md';
const headings = ['What it repairs', 'What it may get wrong', 'How to see it', 'How to stop it'];
const maxLines = 40;
const healers = Object.keys(healerCatalogue).toSorted();

const read = (page: string): string => readFileSync(new URL(page, folder), 'utf8');
const pages = readdirSync(folder)
  .filter(name => name !== index)
  .toSorted();

/** The text below each heading of the second level. */
function sections(text: string): Map<string, string> {
  const parts = text.split(/^## /m).slice(1);
  return new Map(parts.map(part => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]));
}

test('every healer of the catalogue has its page, and no page is without a healer', () => {
  assert.deepEqual(
    pages,
    healers.map(name => `${name}.md`),
  );
});

test('the index lists every page', () => {
  const listed = [...read(index).matchAll(/^\| \[([\w-]+)\]\(([\w.-]+)\)/gm)].map(([, name, page]) => ({ name, page }));
  assert.deepEqual(
    listed.toSorted((one, other) => one.name!.localeCompare(other.name!)),
    healers.map(name => ({ name, page: `${name}.md` })),
  );
});

for (const page of pages) {
  test(`${page} has its four sections, in their order and none empty, on one screen`, () => {
    const name = page.replace(/\.md$/, '');
    const text = read(page);
    assert.ok(text.startsWith(`# ${name}\n`), 'its title is the name of the healer');
    const found = sections(text);
    assert.deepEqual([...found.keys()], headings);
    for (const [heading, body] of found) assert.notEqual(body, '', heading);
    assert.ok(text.trimEnd().split('\n').length <= maxLines, `at most ${maxLines} lines`);
  });

  test(`${page} says how to see its records and how to switch it off and to a dry run`, () => {
    const name = page.replace(/\.md$/, '');
    const found = sections(read(page));
    assert.match(found.get('How to see it') ?? '', /npm run deci -- journal/);
    const stop = found.get('How to stop it') ?? '';
    assert.ok(stop.includes(`npm run deci -- healers set ${name} off`));
    assert.ok(stop.includes('dry_run'));
  });
}
