/** The pages of docs/reference that are made from the tables in the code. */
import { type Setting, type SettingName, settings } from '../src/config/settings.ts';
import { type ErrorCode, errorCatalogue } from '../src/kernel/error-catalogue.ts';
import type { MetricDefinition } from '../src/telemetry/metric-definition.ts';
import { metricTable } from '../src/telemetry/metric-table.ts';

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
