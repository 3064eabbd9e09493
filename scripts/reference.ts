/** Writes the generated pages of docs/reference. A test compares them with the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  configurationPage,
  errorsPage,
  failureClassesPage,
  healersPage,
  metricsPage,
  openApiPage,
  permissionsPage,
} from './reference-pages.ts';

const folder = new URL('../docs/reference/', import.meta.url);
writeFileSync(new URL('configuration.md', folder), configurationPage());
writeFileSync(new URL('errors.md', folder), errorsPage());
writeFileSync(new URL('failure-classes.md', folder), failureClassesPage());
writeFileSync(new URL('healers.md', folder), healersPage());
writeFileSync(new URL('metrics.md', folder), metricsPage());
writeFileSync(new URL('permissions.md', folder), permissionsPage());
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
writeFileSync(new URL('openapi.json', folder), openApiPage(version));
