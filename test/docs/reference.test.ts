import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  configurationPage,
  errorsPage,
  failureClassesPage,
  healersPage,
  metricsPage,
  openApiPage,
  permissionsPage,
} from '../../scripts/reference-pages.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');

test('the configuration reference says what the table says', () => {
  assert.equal(page('configuration.md'), configurationPage());
});

test('the error reference says what the catalogue says', () => {
  assert.equal(page('errors.md'), errorsPage());
});

test('the page of failures says what the two tables of failures say', () => {
  assert.equal(page('failure-classes.md'), failureClassesPage());
});

test('the healers reference says what the catalogue says', () => {
  assert.equal(page('healers.md'), healersPage());
});

test('the metrics reference says what the table says', () => {
  assert.equal(page('metrics.md'), metricsPage());
});

test('the page of routes and roles says what the route table says', () => {
  assert.equal(page('permissions.md'), permissionsPage());
});

test('the OpenAPI document says what the route table and the schemas say, in the version of the package', () => {
  const { version } = JSON.parse(page('../../package.json')) as { version: string };
  assert.equal(page('openapi.json'), openApiPage(version));
});
