/** Whether a healer that was named exists at all: an empty journal of one that does not would look like good news. */
import { CommandFailure, exitCodes } from '../../kernel/exit-codes.ts';
import { isObject } from '../../kernel/json.ts';
import type { ApiClient } from '../api-client.ts';
import { ApiFailure } from '../api-failure.ts';
import { printable } from '../printable.ts';

/**
 * Who may read the journal may not be let into the list; then nothing is said.
 * @throws CommandFailure with the healers that there are
 */
export async function requireHealer(client: ApiClient, name: string, signal: AbortSignal): Promise<void> {
  const names = await healerNames(client, signal);
  if (names.length === 0 || names.includes(name)) return;
  const words = `there is no healer "${printable(name)}"; there are: ${names.map(printable).join(', ')}`;
  throw new CommandFailure(exitCodes.usage, words);
}

async function healerNames(client: ApiClient, signal: AbortSignal): Promise<string[]> {
  try {
    const { data } = await client.send({ method: 'GET', path: '/api/admin/healers' }, signal);
    if (!Array.isArray(data)) return [];
    return data.filter(isObject).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  } catch (error) {
    if (error instanceof ApiFailure) return [];
    throw error;
  }
}
