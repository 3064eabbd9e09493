/** What is asked in each throughput measure, and how an answer is known to be whole and right. */
import { chatJson, model, tokenCount, tokenMark, versionJson, wholeText } from './answers.ts';

export interface Scenario {
  readonly request: Buffer;
  /** Where not every request is the same: the one to send now. */
  readonly next?: () => Buffer;
  /** Why the body is wrong; `undefined` when it is right. */
  check(body: Buffer): string | undefined;
}

const messages = [{ role: 'user', content: 'Why is the sky blue? Answer in one short paragraph.' }];
const doneTrue = Buffer.from('"done":true');
const sseEnd = Buffer.from('data: [DONE]\n\n');
const lineFeed = 10;

/** What the measured server finds as its admin key: checking it is part of what is measured. */
export const benchKey = `deci_${'0123456789abcdef'.repeat(4)}`;

export function httpRequest(method: 'GET' | 'POST', path: string, body?: object): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'User-Agent: deci-bench',
    'Accept: */*',
    `x-api-key: ${benchKey}`,
  ];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
}

export const version: Scenario = {
  request: httpRequest('GET', '/api/version'),
  check: body => (body.toString('latin1') === versionJson ? undefined : 'not the version'),
};

export const wholeChat: Scenario = {
  request: httpRequest('POST', '/api/chat', { model, messages, stream: false }),
  check: body => {
    if (body.length < chatJson.length / 2 || !body.includes(`"content":"${wholeText}"`)) return 'not the whole text';
    return body.includes(doneTrue) ? undefined : 'no end';
  },
};

/** Each has one answer, so that it is recorded and given again. */
function fixedChat(content: string): Buffer {
  const asked = [{ role: 'user', content }];
  return httpRequest('POST', '/api/chat', { model, messages: asked, stream: false, options: { temperature: 0 } });
}

export const recordedChat: Scenario = { ...wholeChat, request: fixedChat('Why is the sky blue?') };

/** More questions than a worker with one place in memory has at hand, each in its turn. */
export function manyRecordedChats(count: number): Scenario {
  const requests = Array.from({ length: count }, (_, index) => fixedChat(`Why is the sky blue on day ${index}?`));
  let turn = 0;
  return { ...recordedChat, next: () => requests[turn++ % count] ?? recordedChat.request };
}

export const nativeStream: Scenario = {
  request: httpRequest('POST', '/api/chat', { model, messages, stream: true }),
  check: body => {
    const lastLine = body.lastIndexOf(lineFeed, body.length - 2) + 1;
    if (body.at(-1) !== lineFeed || body.indexOf(doneTrue, lastLine) === -1) return 'no end';
    return checkTokens(body);
  },
};

export const openAiStream: Scenario = {
  request: httpRequest('POST', '/v1/chat/completions', { model, messages, stream: true }),
  check: body => {
    if (body.lastIndexOf(sseEnd) !== body.length - sseEnd.length) return 'no end';
    return checkTokens(body);
  },
};

function checkTokens(body: Buffer): string | undefined {
  let count = 0;
  for (let at = body.indexOf(tokenMark); at !== -1; at = body.indexOf(tokenMark, at + tokenMark.length)) count++;
  return count === tokenCount ? undefined : `${count} tokens instead of ${tokenCount}`;
}
