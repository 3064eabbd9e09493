/** The pages of docs/reference that are made from the tables in the code. */
import type { Setting } from '../src/config/setting.ts';
import { type SettingName, settings } from '../src/config/settings.ts';
import type { RouteInfo } from '../src/http/request-context.ts';
import { type RouteRow, routeRows } from '../src/http/route-rows.ts';
import type { HealerInfo } from '../src/journal/healer.ts';
import { healerCatalogue } from '../src/journal/healer-catalogue.ts';
import { type ErrorCode, errorCatalogue } from '../src/kernel/error-catalogue.ts';
import { type FailureKind, failureKinds, kindsByCode, kindsBySystemCode } from '../src/kernel/failure-kinds.ts';
import { type FailureClass, failureRules } from '../src/resilience/failure-class.ts';
import type { MetricDefinition } from '../src/telemetry/metric-definition.ts';
import { metricTable } from '../src/telemetry/metric-table.ts';
import { openApiDocument } from './lib/openapi-document.ts';

export function configurationPage(): string {
  const names = Object.keys(settings) as SettingName[];
  const groups = [...new Set(names.map(name => settings[name].group))];
  const sections = groups.map(group => {
    const rows = names.filter(name => settings[name].group === group).map(settingRow);
    return `## ${group}\n\n| variable | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Configuration

Set a variable in the environment or in a \`.env\` file; what is exported wins. The \`.env\` is read from the exported
\`DECI_HOME\`, or from the checkout. A value that cannot be used ends the start with exit code 78 and one line for every
mistake. Unknown names are ignored; in \`.env\`, one that is almost the name of a setting is a mistake.

Made from \`src/config/settings.ts\` by \`npm run reference\`.

${sections.join('\n')}`;
}

function settingRow(name: SettingName): string {
  const setting: Setting<unknown> = settings[name];
  const type = setting.type.expected.replaceAll('|', '\\|');
  return `| \`${name}\` | ${type} | ${setting.default === undefined ? '-' : `\`${setting.default}\``} | ${setting.meaning} |`;
}

const faults = { client: 'the request', deci: 'Deci', ollama: 'Ollama' };

export function errorsPage(): string {
  const codes = Object.keys(errorCatalogue) as ErrorCode[];
  const rows = codes.map(code => {
    const { status, fault, retryable, message, fix } = errorCatalogue[code];
    return `| <a id="${code}"></a>\`${code}\` | ${status} | ${faults[fault]} | ${retryable ? 'yes' : 'no'} | ${message} | ${fix} |`;
  });
  return `# Errors

The code stands in the log (\`outcome\`), in errors of OpenAI's and our own shape, and in this list. Ollama's own refusals keep
their status and their words.

Made from \`src/kernel/error-catalogue.ts\` by \`npm run reference\`.

| code | status | at fault | try again | text | what to do |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

export function healersPage(): string {
  const rows = Object.values<HealerInfo>(healerCatalogue).map(
    ({ name, repairs, risk, budget }) =>
      `| \`${name}\` | ${repairs} | ${risk} | ${budget.actions} in ${budget.windowMs / 60_000} min |`,
  );
  return `# Healers

What Deci repairs by itself. Each can be switched with \`npm run deci -- healers set NAME on|dry_run|off\`: a dry run tells what it
would do, and does nothing. Above its budget a healer only tells. What was done, and what only told, is in the journal:
\`npm run deci -- journal\`.

Made from \`src/journal/healer-catalogue.ts\` by \`npm run reference\`.

| healer | repairs | may get wrong | budget |
|---|---|---|---|
${rows.join('\n')}
`;
}

const strategies: Readonly<Record<string, string>> = {
  retry: 'the same again, after a pause',
  fallback: 'something else instead, at once; a loop goes on as usual',
  skip: 'not again with the same input; a loop waits four times as long',
  human: 'somebody has to do something first; a loop waits four times as long',
  abort_and_shed: 'stop what can be stopped, and take less; a loop waits twice as long',
};

export function failureClassesPage(): string {
  const codesOf = (kind: FailureKind, table: Readonly<Record<string, FailureKind>>): string =>
    Object.keys(table)
      .filter(code => table[code] === kind)
      .map(code => `\`${code}\``)
      .join(' ');
  const kinds = (Object.keys(failureKinds) as FailureKind[]).map(kind => {
    const { severity, strategy, means } = failureKinds[kind];
    const codes = [codesOf(kind, kindsByCode), codesOf(kind, kindsBySystemCode)].filter(text => text !== '');
    return `| \`${kind}\` | ${severity} | \`${strategy}\` | ${means} | ${codes.join(' ')} |`;
  });
  const classes = (Object.keys(failureRules) as FailureClass[]).map(failure => {
    const { kind, retry, sameHost, attempts, budgeted, blame } = failureRules[failure];
    const again = retry ? `${sameHost ? 'yes' : 'on another host'}, at most ${attempts} attempts` : 'no';
    return `| \`${failure}\` | \`${kind}\` | ${again} | ${retry && budgeted ? 'yes' : 'no'} | ${blame} |`;
  });
  return `# Classes of failures

What is done about a failure is decided by its kind, in one table for retries, healers and background loops.

Made from \`src/kernel/failure-kinds.ts\` and \`src/resilience/failure-class.ts\` by \`npm run reference\`.

| kind | severity | strategy | means | codes |
|---|---|---|---|---|
${kinds.join('\n')}

Of \`upstream_refused\` the status decides: 401 and 403 are \`authentication\`, 429 and 503 \`overload\`, other 5xx \`upstream\`, the rest
\`request\`. Of \`internal\` the cause does. Kinds that are high or critical are errors in the log, the others warnings.

| strategy | means |
|---|---|
${Object.keys(strategies)
  .map(strategy => `| \`${strategy}\` | ${strategies[strategy]} |`)
  .join('\n')}

A healer whose action failed with \`skip\`, \`human\` or \`abort_and_shed\` waits a minute at once; with the others one second, then
longer and longer.

## Attempts of a request

| failure | kind | tried again | costs the budget of retries | whose breaker counts it |
|---|---|---|---|---|
${classes.join('\n')}

\`shortage\` is the one exception from the strategy of its kind: no file or port left to connect with is over as soon as another request
ends, so that an attempt is made again after a pause; no host is blamed for it.
`;
}

export function metricsPage(): string {
  return `# Metrics

\`GET /metrics\` answers for all workers and the control process together, whichever of them is asked, in Prometheus' text
format. Counters and histograms count what every process ever did, also those that are gone; of gauges only the living have
one, and several become one as the column "of several" says.

Made from \`src/telemetry/metric-table.ts\` by \`npm run reference\`.

| metric | type | labels | unit | of several | meaning |
|---|---|---|---|---|---|
${metricTable.map(metricRow).join('\n')}

## Buckets

| histogram | upper ends |
|---|---|
${metricTable.flatMap(metric => (metric.type === 'histogram' ? [bucketRow(metric.name, metric.bounds)] : [])).join('\n')}
`;
}

function metricRow(metric: MetricDefinition): string {
  const labels = metric.labels.length === 0 ? '-' : metric.labels.map(label => `\`${label}\``).join(' ');
  const merge = metric.type === 'gauge' ? metric.merge : 'sum';
  return `| \`${metric.name}\` | ${metric.type} | ${labels} | ${metric.unit} | ${merge} | ${metric.help} |`;
}

function bucketRow(name: string, bounds: readonly number[]): string {
  return `| \`${name}\` | ${bounds.join(' ')} |`;
}

const bodyLimits: Readonly<Record<RouteInfo['body'], string>> = {
  none: 'no body',
  json: `BODY_LIMIT (${settings.BODY_LIMIT.default})`,
  inference: `INFERENCE_BODY_LIMIT (${settings.INFERENCE_BODY_LIMIT.default})`,
  upload: '25 MB',
  stream: 'unlimited, streamed',
};

export function permissionsPage(): string {
  const rows = routeRows().map(
    ({ method, path, role, body, rate, time, dialect }: RouteRow) =>
      `| ${method} | \`${path}\` | ${role} | ${bodyLimits[body]} | ${rate} | ${time} | ${dialect} |`,
  );
  return `# Routes and who may use them

A role may do all that the ones before it may: viewer, executor, editor, admin; a \`public\` route asks nobody who he is.
Without a key a caller has the role that \`DECI_LOCAL_ROLE\` names. The limits of bodies are settings with their defaults, see
[configuration](configuration.md); the rate class says which limit counts a request, the time which time limits hold. Errors
are told in the dialect. What goes in and out of each route stands in [openapi.json](openapi.json), which a running server
serves as \`/openapi.json\`.

Made from \`src/http/routes.ts\` by \`npm run reference\`.

| method | path | role | largest body | rate class | time | dialect |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** @param version that of package.json */
export function openApiPage(version: string): string {
  return `${JSON.stringify(openApiDocument({ rows: routeRows(), version, bodyLimits }), undefined, 2)}\n`;
}
