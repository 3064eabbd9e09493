/** The sign of life of an event stream: a comment, which no client shows, and which says where a request stands in the line. */
import type { LinePlace } from '../../admission/line-entry.ts';

export function aliveComment(line: LinePlace | undefined): string {
  if (line === undefined) return ': ping\n\n';
  const expected = line.expectedWaitMs === undefined ? '' : `: X-Deci-Queue-Expected-Ms: ${line.expectedWaitMs}\n`;
  return `: X-Deci-Queue-Position: ${line.position}\n${expected}\n`;
}
