/** Text, images and documents of Anthropic's API: the blocks that may stand in a turn as well as in the result of a tool. */
import { cleanBase64 } from './image-url.ts';
import {
  invalidField,
  isJsonObject,
  type JsonObject,
  optionalArray,
  optionalString,
  requiredObject,
  requiredString,
} from './request-fields.ts';

/** What the blocks have added up to so far. */
export interface AnthropicContent {
  text: string;
  readonly images: string[];
}

/** Other kinds are left out, see the caller. */
export function readContentBlock(into: AnthropicContent, block: JsonObject, path: string): void {
  switch (block['type']) {
    case 'text':
      into.text += textOf(block, path);
      return;
    case 'image':
      into.images.push(imageOf(requiredObject(block, 'source', `${path}.source`), `${path}.source`));
      return;
    case 'document':
      into.text += documentOf(block, path);
      return;
    case 'search_result':
      into.text += blockText(block, 'content', path);
      return;
    default:
  }
}

export function textOf(block: JsonObject, path: string): string {
  return block['type'] === 'text' ? (optionalString(block, 'text', `${path}.text`) ?? '') : '';
}

function imageOf(source: JsonObject, path: string): string {
  const type = requiredString(source, 'type', `${path}.type`);
  if (type === 'url') {
    throw invalidField(path, 'image URLs are not currently supported, please use base64 encoded data instead');
  }
  if (type !== 'base64') {
    throw invalidField(path, `invalid image source type: ${type}. Only base64 images are supported.`);
  }
  const data = cleanBase64(requiredString(source, 'data', `${path}.data`)) ?? '';
  if (data === '') {
    throw invalidField(`${path}.data`, 'invalid base64 image data');
  }
  return data;
}

function documentOf(block: JsonObject, path: string): string {
  const sourcePath = `${path}.source`;
  const source = requiredObject(block, 'source', sourcePath);
  switch (source['type']) {
    case 'text':
      return requiredString(source, 'data', `${sourcePath}.data`);
    case 'content':
      return blockText(source, 'content', sourcePath);
    default:
      throw invalidField(sourcePath, 'only documents of plain text are supported');
  }
}

/** The text of a member that is a string or a list of blocks. */
function blockText(owner: JsonObject, key: string, path: string): string {
  const value = owner[key];
  return typeof value === 'string'
    ? value
    : (optionalArray(owner, key, `${path}.${key}`) ?? [])
        .map(item => (isJsonObject(item) ? textOf(item, path) : ''))
        .join('');
}
