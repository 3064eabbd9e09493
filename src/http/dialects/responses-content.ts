/** The content of the Responses API's items: a string, or a list of parts with text and images. */
import { imageFromUrl } from './image-url.ts';
import { asObjectAt, invalidField, type JsonObject, optionalString } from './request-fields.ts';

export interface Content {
  readonly text: string;
  readonly images: readonly string[];
}

/** A member that is a string or a list of content parts. */
export function readContent(owner: JsonObject, key: 'content' | 'output', path: string): Content {
  const value = owner[key] ?? '';
  if (typeof value === 'string') {
    return { text: value, images: [] };
  }
  if (!Array.isArray(value)) {
    throw invalidField(`${path}.${key}`, `${path}.${key} must be a string or an array`);
  }
  const parts = value.map((part, index) => {
    const partPath = `${path}.${key}[${index}]`;
    return readPart(asObjectAt(part, partPath), partPath);
  });
  return { text: parts.map(part => part.text).join(''), images: parts.flatMap(part => part.images) };
}

function readPart(part: JsonObject, path: string): Content {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
      return { text: optionalString(part, 'text', `${path}.text`) ?? '', images: [] };
    case 'refusal':
      return { text: optionalString(part, 'refusal', `${path}.refusal`) ?? '', images: [] };
    case 'input_image': {
      const url = optionalString(part, 'image_url', `${path}.image_url`);
      if (url === undefined) {
        throw invalidField(`${path}.image_url`, 'images need an image_url with base64 encoded data');
      }
      return { text: '', images: [imageFromUrl(url, `${path}.image_url`)] };
    }
    case 'input_file':
      throw invalidField(path, 'file inputs are not currently supported');
    default:
      throw invalidField(path, `unknown content type: ${String(part['type'])}`);
  }
}
