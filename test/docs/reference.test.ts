import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationPage, errorsPage, metricsPage } from '../../scripts/reference-pages.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');

test('the configuration reference says what the table says', () => {
  assert.equal(page('configuration.md'), configurationPage());
});

test('the error reference says what the catalogue says', () => {
  assert.equal(page('errors.md'), errorsPage());
});

test('the metrics reference says what the table says', () => {
  assert.equal(page('metrics.md'), metricsPage());
});
