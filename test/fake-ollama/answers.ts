/** What the fake says: a function of the request alone, so that equal requests get equal answers. */
import { randomFrom, seedOf } from './seeded-random.ts';

const VOCABULARY = (
  'the a model answers with steady words about rivers mountains light winter gardens bridges music numbers ' +
  'stars people letters roads paper stones water glass wind morning evening colour sound memory small large ' +
  'quiet bright early late and or of in on under over before after while because café naïve 東京 😀 🚀 über'
).split(' ');

/** The text that `echo:` asks for: everything behind the marker; undefined without one. */
export function echoedText(userText: string): string | undefined {
  const at = userText.indexOf('echo:');
  return at < 0 ? undefined : userText.slice(at + 'echo:'.length);
}

/** Cuts a text into tokens of at most four code points, breaking before blanks; joined they give the text again. */
export function tokenize(text: string): string[] {
  return text.match(/\s?[^\s]{1,4}|\s/gu) ?? [];
}

function randomWords(seedText: string, count: number): string[] {
  const random = randomFrom(seedOf(seedText));
  const words: string[] = [];
  for (let index = 0; index < count; index++) {
    const word = VOCABULARY[Math.floor(random() * VOCABULARY.length)] ?? 'word';
    words.push(index === 0 ? word : ` ${word}`);
  }
  return words;
}

export interface CutTokens {
  tokens: string[];
  reason: 'stop' | 'length';
}

/** Ends the answer before the first stop sequence that occurs in it. */
export function cutAtStop(tokens: string[], stops: readonly string[]): string[] {
  if (stops.length === 0) return tokens;
  const text = tokens.join('');
  const places = stops.filter(stop => stop !== '').map(stop => text.indexOf(stop));
  const found = places.filter(place => place >= 0);
  return found.length === 0 ? tokens : tokenize(text.slice(0, Math.min(...found)));
}

/**
 * Words as many as `num_predict` asks for, or `defaultTokens`; fixed texts are only shortened by it.
 * Words have no natural end, so a limit always is what ended them.
 */
export function answerTokens(
  fixed: string | undefined,
  seedText: string,
  numPredict: number,
  defaultTokens: number,
): CutTokens {
  const isLimited = numPredict > 0;
  if (fixed === undefined) {
    return {
      tokens: randomWords(seedText, isLimited ? numPredict : defaultTokens),
      reason: isLimited ? 'length' : 'stop',
    };
  }
  const tokens = tokenize(fixed);
  return isLimited && tokens.length > numPredict
    ? { tokens: tokens.slice(0, numPredict), reason: 'length' }
    : { tokens, reason: 'stop' };
}

const THINKING_TOKENS: Readonly<Record<string, number>> = { low: 3, medium: 6, high: 12, max: 24 };

export function thinkingTokens(seedText: string, think: boolean | string): string[] {
  if (think === false) return [];
  const count = (typeof think === 'string' ? THINKING_TOKENS[think] : undefined) ?? 6;
  return randomWords(`thinking ${seedText}`, count);
}

/** Four characters to a token: near enough for costs and counts. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
