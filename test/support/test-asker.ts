/** Somebody who asks, for tests in which it does not matter who. */
import type { Asker } from '../../src/gateway/asker.ts';

export const testAsker: Asker = { owner: 'somebody', priority: 'interactive' };
