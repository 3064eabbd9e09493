/** What the main store's file says about itself, for what looks at it from outside. */
import { applicationId } from './main/migrate.ts';
import { migrations } from './main/migrations.ts';

export const storeForm = { applicationId, newestVersion: migrations.at(-1)?.version ?? 0 };
