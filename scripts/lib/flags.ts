/** Command lines: boolean flags only; `--help` prints the usage, anything unknown is a usage error. */
import { parseArgs } from 'node:util';
import { exitCodes, ScriptFailure } from './exit-codes.ts';

/** @returns undefined when the usage was asked for and printed */
export function readFlags<const N extends string>(usage: string, names: readonly N[]): Record<N, boolean> | undefined {
  const flag = { type: 'boolean', default: false } as const;
  const options = { help: { ...flag, short: 'h' }, ...Object.fromEntries(names.map(name => [name, flag])) };
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new ScriptFailure(exitCodes.usage, `${(error as Error).message}\n${usage}`);
  }
  if (values['help'] === true) {
    console.log(usage);
    return undefined;
  }
  return values as Record<N, boolean>;
}
