/**
 * A reader for `multipart/form-data` (RFC 7578, RFC 2046) that is already in memory. The built-in `Response.formData()`
 * is not used: it refuses boundaries shorter than 27 characters, which are legal, and has no bound on the number of parts.
 */
import { DeciError } from '../../kernel/errors.ts';

export interface MultipartPart {
  readonly name: string;
  /** Only on files. */
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  /** A view of the body, not a copy. */
  readonly data: Buffer;
}

const maxParts = 64;
const maxHeadBytes = 8 * 1024;

export function parseMultipart(body: Buffer, contentType: string | undefined): readonly MultipartPart[] {
  const boundary = boundaryOf(contentType);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const parts: MultipartPart[] = [];
  // The first delimiter has no line end before it unless a preamble stands there.
  const opening = delimiter.subarray(2);
  let position = body.subarray(0, opening.length).equals(opening) ? opening.length : after(body, delimiter, 0);
  while (!isClosing(body, position)) {
    if (parts.length === maxParts) {
      throw malformed(`more than ${maxParts} parts`);
    }
    const end = body.indexOf(delimiter, position);
    if (end === -1) {
      throw malformed('the closing boundary is missing');
    }
    parts.push(readPart(body.subarray(afterPadding(body, position), end)));
    position = end + delimiter.length;
  }
  return parts;
}

function boundaryOf(contentType: string | undefined): string {
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType ?? '')) {
    throw malformed("the Content-Type is not 'multipart/form-data'");
  }
  const boundary = parameterOf(contentType ?? '', 'boundary');
  if (boundary === undefined || boundary.length > 70 || !/^[\x20-\x7e]*[\x21-\x7e]$/.test(boundary)) {
    throw malformed('the Content-Type has no valid boundary');
  }
  return boundary;
}

/** `bytes` must be found at or after `from`; gives the position after it. */
function after(body: Buffer, bytes: Buffer, from: number): number {
  const found = body.indexOf(bytes, from);
  if (found === -1) {
    throw malformed('the first boundary is missing');
  }
  return found + bytes.length;
}

function isClosing(body: Buffer, position: number): boolean {
  return body[position] === 0x2d && body[position + 1] === 0x2d;
}

/** Spaces and tabs may stand between a delimiter and its line end. The line end stays: it begins a part without headers. */
function afterPadding(body: Buffer, position: number): number {
  let at = position;
  while (body[at] === 0x20 || body[at] === 0x09) {
    at += 1;
  }
  if (body[at] !== 0x0d || body[at + 1] !== 0x0a) {
    throw malformed('a boundary is not at the end of its line');
  }
  return at;
}

/** `part` starts with the line end of its delimiter, so that the head always ends with an empty line. */
function readPart(part: Buffer): MultipartPart {
  const headEnd = part.subarray(0, maxHeadBytes).indexOf('\r\n\r\n');
  if (headEnd === -1) {
    throw malformed('the headers of a part are missing or too long');
  }
  const headers = readHeaders(part.subarray(0, headEnd).toString('utf8'));
  const disposition = headers.get('content-disposition') ?? '';
  const name = /^form-data\s*;/i.test(disposition) ? parameterOf(disposition, 'name') : undefined;
  if (name === undefined) {
    throw malformed('a part has no name');
  }
  return {
    name,
    filename: parameterOf(disposition, 'filename') ?? extendedFilename(disposition),
    contentType: headers.get('content-type'),
    data: part.subarray(headEnd + 4),
  };
}

function readHeaders(head: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) {
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
  return headers;
}

/** Browsers write a quote in a name as %22, other clients with a backslash. */
function parameterOf(header: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, 'i').exec(header);
  const quoted = match?.[1]?.replaceAll(/\\(["\\])/g, '$1').replaceAll(/%22/g, '"');
  return quoted ?? match?.[2];
}

/** RFC 7578 forbids `filename*`, yet some clients send nothing else for a name beyond ASCII; what matters is that it is a file. */
function extendedFilename(disposition: string): string | undefined {
  return parameterOf(disposition, 'filename\\*');
}

function malformed(reason: string): DeciError {
  return new DeciError('invalid_request', { message: `failed to parse multipart form: ${reason}` });
}
