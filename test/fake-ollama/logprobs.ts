/** Log probabilities of tokens: made up, falling, and the same for the same token at the same place. */
import { randomFrom, randomPick, seedOf } from './seeded-random.ts';

interface TokenLogprob {
  token: string;
  logprob: number;
  bytes: number[];
}

export interface Logprob extends TokenLogprob {
  top_logprobs?: TokenLogprob[];
}

const ALTERNATIVES = [' the', ' a', ' and', ' of', ' to', '.', ',', ' in', ' is', ' it'];

const entry = (token: string, logprob: number): TokenLogprob => ({ token, logprob, bytes: [...Buffer.from(token)] });

export function logprobOf(token: string, index: number, topCount: number): Logprob {
  const random = randomFrom(seedOf(`${index} ${token}`));
  const first = entry(token, -Number((random() * 0.5 + 0.001).toFixed(6)));
  if (topCount === 0) return first;
  const top = [first];
  for (let at = 1; at < topCount; at++) {
    const previous = top[at - 1] ?? first;
    const other = `${randomPick(ALTERNATIVES, random)}${at > 1 ? at : ''}`;
    top.push(entry(other, Number((previous.logprob - random() - 0.1).toFixed(6))));
  }
  return { ...first, top_logprobs: top };
}
