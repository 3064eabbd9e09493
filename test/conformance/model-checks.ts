/** What a server must do with a model that is there. The answers themselves are the model's own business. */
import assert from 'node:assert/strict';
import type { Check } from './server-checks.ts';
import { ask, events, json, lines, type Target } from './target.ts';

const hi = [{ role: 'user', content: 'Say hello.' }];
const short = { num_predict: 8 };

function check(name: string, run: Check['run']): Check {
  return { name, needs: 'model', run };
}

async function answersWith(target: Target, path: string, body: object): Promise<void> {
  const answer = await ask(target, path, { body });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.type, 'application/x-ndjson');
  const all = lines(answer);
  assert.ok(all.length > 1);
  assert.ok(all.slice(0, -1).every(line => line['done'] === false));
  const last = all.at(-1) ?? {};
  assert.equal(last['done'], true);
  assert.match(String(last['done_reason']), /^(stop|length)$/);
  assert.equal(typeof last['eval_count'], 'number');
}

export const modelChecks: readonly Check[] = [
  check('chat and generate stream lines of which only the last is done', async target => {
    const { model } = target;
    await answersWith(target, '/api/chat', { model, messages: hi, options: short });
    await answersWith(target, '/api/generate', { model, prompt: 'Say hello.', options: short });
  }),
  check('without a stream there is one whole object', async target => {
    const body = { model: target.model, messages: hi, options: short, stream: false };
    const answer = await ask(target, '/api/chat', { body });
    assert.equal(answer.type, 'application/json; charset=utf-8');
    assert.equal(json(answer)['done'], true);
    assert.equal(typeof (json(answer)['message'] as Record<string, unknown>)['content'], 'string');
  }),
  check('nothing to answer loads the model, and keep_alive 0 unloads it', async target => {
    const loaded = await ask(target, '/api/chat', { body: { model: target.model, messages: [] } });
    assert.deepEqual([json(loaded)['done'], json(loaded)['done_reason']], [true, 'load']);
    const unloaded = await ask(target, '/api/generate', { body: { model: target.model, keep_alive: 0 } });
    assert.deepEqual([json(unloaded)['done'], json(unloaded)['done_reason']], [true, 'unload']);
  }),
  check('show tells what the model can do', async target => {
    const shown = json(await ask(target, '/api/show', { body: { model: target.model } }));
    assert.ok(Array.isArray(shown['capabilities']));
    assert.equal(typeof shown['details'], 'object');
  }),
  check('OpenAI: a stream ends with a reason, the usage and [DONE]', async target => {
    const body = {
      model: target.model,
      messages: hi,
      max_tokens: 8,
      stream: true,
      stream_options: { include_usage: true },
    };
    const answer = await ask(target, '/v1/chat/completions', { body });
    assert.match(answer.type, /^text\/event-stream/);
    const data = events(answer);
    assert.equal(data.at(-1), '[DONE]');
    assert.match(data.at(-2) ?? '', /"usage":\{/);
    assert.match(data.at(-3) ?? '', /"finish_reason":"(stop|length)"/);
  }),
  check('OpenAI: a whole answer has a choice and its usage', async target => {
    const answer = json(
      await ask(target, '/v1/chat/completions', { body: { model: target.model, messages: hi, max_tokens: 8 } }),
    );
    assert.equal((answer['choices'] as unknown[]).length, 1);
    assert.equal(typeof (answer['usage'] as Record<string, unknown>)['total_tokens'], 'number');
  }),
  check('Anthropic: a stream opens and closes its message', async target => {
    const body = { model: target.model, messages: hi, max_tokens: 8, stream: true };
    const types = events(await ask(target, '/v1/messages', { body })).map(
      data => (JSON.parse(data) as { type: string }).type,
    );
    assert.equal(types[0], 'message_start');
    assert.deepEqual(types.slice(-2), ['message_delta', 'message_stop']);
  }),
  {
    name: 'embeddings have one vector for each input',
    needs: 'embedModel',
    run: async target => {
      const answer = json(await ask(target, '/api/embed', { body: { model: target.embedModel, input: ['a', 'b'] } }));
      assert.equal((answer['embeddings'] as unknown[]).length, 2);
      const none = json(await ask(target, '/api/embed', { body: { model: target.embedModel, input: [] } }));
      assert.deepEqual(none['embeddings'], []);
      const old = json(await ask(target, '/api/embeddings', { body: { model: target.embedModel, prompt: 'a' } }));
      assert.ok(Array.isArray(old['embedding']));
    },
  },
];
