/** OpenAI's scale of reasoning effort, with the steps that clients add to it, on Ollama's shorter scale of thinking. */
import type { Think } from '../../gateway/native-request.ts';
import { invalidField } from './request-fields.ts';

/** An effort that is not given leaves thinking at the model's default. */
export function thinkFromEffort(effort: string | undefined, path: string): Think | undefined {
  switch (effort ?? '') {
    case '':
      return undefined;
    case 'none':
      return false;
    case 'minimal':
    case 'low':
      return 'low';
    case 'medium':
      return 'medium';
    case 'high':
      return 'high';
    case 'xhigh':
    case 'ultra':
    case 'max':
      return 'max';
    default:
      throw invalidField(
        path,
        `invalid reasoning value: ${JSON.stringify(effort)} (must be "minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none")`,
      );
  }
}
