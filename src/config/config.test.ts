import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { type Config, ConfigError, type Environment, examineSettings, readConfig } from './config.ts';
import { isLoopback } from './own-address.ts';

const read = (env: Environment = {}): Config => readConfig(env, '/opt/deci');

function problemsOf(env: Environment): readonly string[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment gives a working configuration on loopback', () => {
  const config = read();
  assert.equal(config.port, 3001);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.workers, 2);
  assert.deepEqual(config.upstreams, [{ url: 'http://127.0.0.1:11434' }]);
  assert.equal(config.heartbeatMs, 10_000);
  assert.deepEqual([config.timeouts.firstTokenMs, config.timeouts.loadMs], [undefined, 600_000]);
  assert.equal(config.timeouts.drainMs, 120_000);
  assert.deepEqual(config.bodyLimits, { jsonBytes: 1_048_576, inferenceBytes: 33_554_432 });
  assert.deepEqual(config.places, {
    home: '/opt/deci',
    dataDir: '/opt/deci/data',
    runDir: '/opt/deci/run',
    hotDir: undefined,
    logDir: '/opt/deci/logs',
    logDirFallback: undefined,
  });
});

test('an empty value counts as absent', () => {
  assert.equal(read({ PORT: '', HOST: '  ' }).port, 3001);
  assert.equal(read({ HOST: '  ' }).host, '127.0.0.1');
});

test('every wrong value is told at once, as `NAME: expected T, got V`', () => {
  assert.deepEqual(problemsOf({ PORT: '99999', STALL_TIMEOUT: '20', BODY_LIMIT: 'big', LOG_LEVEL: 'loud' }), [
    'PORT: expected auto, or a whole number from 1 to 65535, got "99999"',
    'STALL_TIMEOUT: expected a duration from 100ms to 1d such as 500ms, 20s, 30m or 1h, got "20"',
    'BODY_LIMIT: expected a size of at least 1b such as 512kb, 32mb or 1gb, got "big"',
    'LOG_LEVEL: expected error | warn | info | debug, got "loud"',
  ]);
});

test('the message of the error holds every problem on a line of its own', () => {
  assert.throws(() => read({ PORT: 'x', DECI_WORKERS: 'y' }), /^ConfigError: .*\n {2}PORT: .*\n {2}DECI_WORKERS: .*$/);
});

test('a value in a message is short and stays on its line', () => {
  const [problem] = problemsOf({ PORT: `1\n${'x'.repeat(500)}` });
  assert.ok(problem !== undefined && problem.length < 200);
  assert.doesNotMatch(problem, /\n/);
});

test('the password of a malformed URL is not in the message', () => {
  for (const name of ['OLLAMA_URLS', 'OLLAMA_HOST']) {
    const [problem] = problemsOf({ [name]: 'ftp://admin:hunter2@gpu:11434' });
    assert.match(problem ?? '', new RegExp(`^${name}: expected .*gpu:11434`));
    assert.doesNotMatch(problem ?? '', /hunter2/);
  }
});

test('a password with characters that should have been escaped, or without a scheme before it, is not in the message', () => {
  for (const url of ['http://admin:hun/ter2@gpu:11434', 'ftp://admin:hun@ter2@gpu', 'admin:hunter2@gpu:11434']) {
    const problems = problemsOf({ OLLAMA_URLS: url });
    assert.equal(problems.length, 1, url);
    assert.doesNotMatch(problems.join(), /ter2/, url);
  }
});

test('without a key one is let in on loopback alone, in the role that is set, unless keys are required', () => {
  assert.equal(read().anonymousRole, 'executor');
  assert.equal(read({ DECI_LOCAL_ROLE: 'admin' }).anonymousRole, 'admin');
  assert.equal(read({ DECI_AUTH: 'required' }).anonymousRole, undefined);
  assert.equal(read({ HOST: '0.0.0.0' }).anonymousRole, undefined);
  assert.equal(read({ HOST: '0.0.0.0', DECI_AUTH: 'off', DECI_AUTH_OFF_I_KNOW: '1' }).anonymousRole, 'executor');
});

test('a HOST that is not loopback without any key is refused, with what to do about it, until it is confirmed', () => {
  const problems = problemsOf({ HOST: '0.0.0.0', DECI_AUTH: 'off' });
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /^HOST: "0\.0\.0\.0" is not loopback and DECI_AUTH=off/);
  assert.match(problems[0] ?? '', /DECI_AUTH=auto.*127\.0\.0\.1.*DECI_AUTH_OFF_I_KNOW=1/);
  assert.equal(read({ HOST: '0.0.0.0', DECI_AUTH: 'off', DECI_AUTH_OFF_I_KNOW: '1' }).host, '0.0.0.0');
  assert.match(problemsOf({ DECI_AUTH_OFF_I_KNOW: 'yes' })[0] ?? '', /^DECI_AUTH_OFF_I_KNOW: expected 1, got "yes"$/);
});

test('loopback is 127.0.0.0/8, ::1 and localhost', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assert.equal(isLoopback(host), true, host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', 'localhost.evil.example', '128.0.0.1']) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('the last net of memory is not below the budget', () => {
  assert.deepEqual(problemsOf({ HEAP_LIMIT_MB: '2048' }), [
    'RSS_MAX_MB: expected at least HEAP_LIMIT_MB (2048), got 1024',
  ]);
});

test('what memory is looked after by agrees with itself', () => {
  assert.deepEqual(read({}).memory, { heapLimitMb: 512, gcAtMb: 400, shedAt: 0.9, rssRestartMb: 800, rssMaxMb: 1024 });
  assert.equal(read({ HEAP_LIMIT_MB: '200' }).memory.gcAtMb, 160);
  assert.equal(read({ RSS_MAX_MB: '2048' }).memory.rssRestartMb, 1600);
  assert.deepEqual(problemsOf({ RSS_RESTART_MB: '2000', SHED_AT: '0.2' }), [
    'RSS_RESTART_MB: expected at most RSS_MAX_MB (1024), got 2000',
    'SHED_AT: expected a number from 0.5 to 0.98, got 0.2',
  ]);
});

test('OLLAMA_HOST is read only when OLLAMA_URLS is absent', () => {
  assert.deepEqual(read({ OLLAMA_HOST: 'gpu-box' }).upstreams, [{ url: 'http://gpu-box:11434' }]);
  assert.deepEqual(read({ OLLAMA_HOST: 'gpu-box', OLLAMA_URLS: 'http://other:1' }).upstreams, [
    { url: 'http://other:1' },
  ]);
  assert.deepEqual(read({ OLLAMA_HOST: 'gpu-box', OLLAMA_URLS: '' }).upstreams, [{ url: 'http://gpu-box:11434' }]);
});

test('an OLLAMA_URLS of blanks is as absent as an empty one', () => {
  assert.deepEqual(read({ OLLAMA_HOST: 'gpu-box', OLLAMA_URLS: '  ' }).upstreams, [{ url: 'http://gpu-box:11434' }]);
});

test('several hosts keep their order and their limits', () => {
  assert.deepEqual(read({ OLLAMA_URLS: 'http://a:1#slots=4&weight=2, http://b:1' }).upstreams, [
    { url: 'http://a:1', slots: 4, weight: 2 },
    { url: 'http://b:1' },
  ]);
});

test('words stand for values: auto, max, off, adaptive', () => {
  const config = read({ PORT: 'auto', DECI_WORKERS: 'max', HEARTBEAT_INTERVAL: 'off', LOAD_TIMEOUT: '3m' });
  assert.equal(config.port, 'auto');
  assert.equal(config.workers, availableParallelism());
  assert.equal(config.heartbeatMs, undefined);
  assert.deepEqual([config.timeouts.firstTokenMs, config.timeouts.loadMs], [undefined, 180_000]);
  assert.equal(config.queueMaxPerKey, undefined);
  assert.equal(read({ QUEUE_MAX_PER_KEY: '7' }).queueMaxPerKey, 7);
  const fixed = read({ FIRST_TOKEN_TIMEOUT: '5s' }).timeouts;
  assert.deepEqual([fixed.firstTokenMs, fixed.loadMs], [5000, 600_000]);
});

test('places are rooted in DECI_HOME unless they are absolute', () => {
  const { places } = read({ DECI_HOME: '/srv/deci', LOG_DIR: '/var/log/deci', LOG_DIR_FALLBACK: 'spare' });
  assert.deepEqual(places, {
    home: '/srv/deci',
    dataDir: '/srv/deci/data',
    runDir: '/srv/deci/run',
    hotDir: undefined,
    logDir: '/var/log/deci',
    logDirFallback: '/srv/deci/spare',
  });
  assert.equal(read({ DECI_HOME: 'here' }).places.home, '/opt/deci/here');
});

test('origins of both names are allowed', () => {
  const env = { OLLAMA_ORIGINS: 'https://a.example', CORS_ORIGINS: 'https://b.example,https://c.example' };
  assert.deepEqual(read(env).allowedOrigins, ['https://a.example', 'https://b.example', 'https://c.example']);
});

test('a contradiction is told together with the values that are wrong', () => {
  const problems = problemsOf({
    HOST: '0.0.0.0',
    DECI_AUTH: 'off',
    PORT: 'x',
    HEAP_LIMIT_MB: '2048',
    DECI_WORKERS: 'y',
  });
  assert.deepEqual(
    problems.map(problem => problem.split(':')[0]),
    ['PORT', 'DECI_WORKERS', 'HOST', 'RSS_MAX_MB'],
  );
});

test('HOST=[::1] is ::1', () => {
  assert.equal(read({ HOST: '[::1]' }).host, '::1');
  assert.equal(read({ HOST: '[::]' }).anonymousRole, undefined);
});

test('a setting that this version does not have yet refuses the start, with the other problems', () => {
  const later = ['IP_ALLOW', 'TRUST_PROXY', 'TLS_CERT', 'TLS_KEY', 'TLS_REQUIRED', 'RATE_LIMIT'];
  for (const name of later) {
    assert.deepEqual(problemsOf({ [name]: '1' }), [`${name}: this version does not have it yet; remove it`]);
    assert.deepEqual(problemsOf({ [name]: ' ' }), []);
  }
  assert.equal(problemsOf({ TLS_CERT: 'cert.pem', PORT: 'x' }).length, 2);
});

test('problems of where the environment was read from stand beside those of its values', () => {
  assert.throws(() => readConfig({ PORT: 'x' }, '/opt/deci', ['.env: unreadable']), {
    name: 'ConfigError',
    message: /\.env: unreadable\n {2}PORT: expected/,
  });
});

test('an upstream that is this server itself is refused, with the setting that it came from', () => {
  assert.deepEqual(problemsOf({ OLLAMA_URLS: 'http://gpu:1,http://127.0.0.1:4777', PORT: '4777' }), [
    'OLLAMA_URLS: http://127.0.0.1:4777 is this server itself (PORT, HOST): set OLLAMA_URLS to the Ollama server',
  ]);
  const [problem, ...others] = problemsOf({ OLLAMA_HOST: 'localhost:3001' });
  assert.match(problem ?? '', /^OLLAMA_HOST: http:..localhost:3001 is this server itself .*OLLAMA_URLS is absent/);
  assert.match(problem ?? '', /OLLAMA_URLS=http:\/\/127\.0\.0\.1:11434/);
  assert.deepEqual(others, []);
  assert.deepEqual(problemsOf({ OLLAMA_HOST: 'localhost:3001', OLLAMA_URLS: 'http://gpu:11434' }), []);
  assert.deepEqual(problemsOf({ OLLAMA_URLS: 'http://127.0.0.1:3001', PORT: 'auto' }), []);
});

test('what is wrong has its default for those who only look, and a port that is wrong is not known', () => {
  const { config, problems } = examineSettings(
    { PORT: 'x', DRAIN_TIMEOUT: '7', RUN_DIR: 'r', HOST: '::1' },
    '/opt/deci',
  );
  assert.equal(problems.length, 2);
  assert.deepEqual(
    [config.port, config.timeouts.drainMs, config.places.runDir, config.host],
    ['auto', 120_000, '/opt/deci/r', '::1'],
  );
});
