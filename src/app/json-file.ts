/** A small object in a file of the run folder, written whole or not at all. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type JsonObject, parseObject } from '../kernel/json.ts';
import type { PlanFile } from '../supervision/quarantine.ts';

/** @param parse undefined for what is none */
export function jsonFile<Content extends object>(
  path: string,
  parse: (content: JsonObject) => Content | undefined,
): PlanFile<Content> {
  return {
    read: () => {
      const content = parseObject(textOf(path));
      return content === undefined ? undefined : parse(content);
    },
    write: content => {
      writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
