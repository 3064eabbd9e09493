/** Writes the generated pages of docs/reference. A test compares them with the code. */
import { writeFileSync } from 'node:fs';
import { configurationPage, errorsPage, metricsPage } from './reference-pages.ts';

const folder = new URL('../docs/reference/', import.meta.url);
writeFileSync(new URL('configuration.md', folder), configurationPage());
writeFileSync(new URL('errors.md', folder), errorsPage());
writeFileSync(new URL('metrics.md', folder), metricsPage());
