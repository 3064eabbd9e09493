/**
 * `fetch` that holds every answer of ours, and what brought it, against the OpenAPI document, for our own requests and as the `fetch` of stock
 * clients. The reader of an answer that does not agree sees its end fail; and since clients may hide that, the process fails too.
 */
import { appendFileSync } from 'node:fs';
import { OpenApiCheck, type SentRequest } from './openapi-check.ts';

export const openApiCheck = new OpenApiCheck();

const disagreements: string[] = [];
/** Where the suite adds up how many answers its files have checked. */
const tally = process.env['DECI_CHECKED_ANSWERS'];
// Not a hook of the test runner: one that fails would keep those behind it from stopping what they started.
process.on('exit', () => {
  if (tally !== undefined) appendFileSync(tally, `${openApiCheck.checked}\n`);
  if (disagreements.length === 0) return;
  console.error(`answers that the OpenAPI document does not foresee:\n${disagreements.join('\n')}`);
  process.exitCode = 1;
});

export async function checkedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  // Every answer of ours names its request; others are none of this document's business.
  if (!response.headers.has('x-request-id')) return response;
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const request = { method: method.toUpperCase(), path: new URL(response.url).pathname };
  const check = (text: string): void => checkExchange(response, request, { sent: init?.body, received: text });
  if (response.body === null) {
    check('');
    return response;
  }
  const checked = new Response(response.body.pipeThrough(readAlong(check)), response);
  // A response that is made and not fetched does not know where it is from.
  return Object.defineProperty(checked, 'url', { value: response.url });
}

interface Texts {
  readonly sent: unknown;
  readonly received: string;
}

/** What was answered well is what the document must let clients send, too. */
function checkExchange({ status, ok, headers }: Response, request: SentRequest, { sent, received: text }: Texts): void {
  try {
    openApiCheck.checkAnswer({ ...request, status, contentType: headers.get('content-type'), text });
    if (ok && typeof sent === 'string') openApiCheck.checkRequest(request, sent);
  } catch (error) {
    disagreements.push(String(error));
    throw error;
  }
}

/** Passes bytes on as they come; an answer that is broken off is not looked at. */
function readAlong(check: (text: string) => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  return new TransformStream({
    transform(piece, controller) {
      pieces.push(piece);
      controller.enqueue(piece);
    },
    flush() {
      check(Buffer.concat(pieces).toString('utf8'));
    },
  });
}
