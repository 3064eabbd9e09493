/** /openapi.json: the checked-in document, read when it is first asked for. */
import { sendBody } from '../respond.ts';
import type { Handler } from '../route-table.ts';

export interface OpenApiDeps {
  readonly read: () => Promise<Buffer>;
}

export function openApiDocument({ read }: OpenApiDeps): Handler {
  let reading: Promise<Buffer> | undefined;
  return async context => {
    reading ??= read();
    try {
      sendBody(context, 200, 'application/json; charset=utf-8', await reading);
    } catch (error) {
      // The next one who asks may be luckier.
      reading = undefined;
      throw error;
    }
  };
}
