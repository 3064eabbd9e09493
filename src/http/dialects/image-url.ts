/** Media inside OpenAI messages, as the bare base64 text that Ollama's native `images` field wants. */
import { invalidField } from './request-fields.ts';

const dataUrlPrefixes = [
  'data:image/jpeg;base64,',
  'data:image/jpg;base64,',
  'data:image/png;base64,',
  'data:image/webp;base64,',
  // Without a media type, as native clients send bare base64.
  'data:;base64,',
];

/** The text with line breaks removed, or `undefined` if it is not base64 with padding. */
export function cleanBase64(text: string): string | undefined {
  const clean = text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]/g, '') : text;
  return clean.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(clean) ? clean : undefined;
}

/** The base64 data of a data URL. Remote images are refused: Ollama does not load them either. */
export function imageFromUrl(url: string, param: string): string {
  if (url.startsWith('http://') || url.startsWith('https://')) {
    throw invalidField(param, 'image URLs are not currently supported, please use base64 encoded data instead');
  }
  const prefix = dataUrlPrefixes.find(candidate => url.startsWith(candidate));
  const image = prefix === undefined ? undefined : cleanBase64(url.slice(prefix.length));
  if (image === undefined) {
    throw invalidField(param, 'invalid image input');
  }
  return image;
}
