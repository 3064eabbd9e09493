/**
 * The layer map of docs/architecture.md as rules: import only downwards, leaves never import one another,
 * and one door per dangerous thing.
 */
const leaves = 'protection|crash|auth|admission|cache|resilience|ollama|knowledge|storage|memory|health|alerts|journal';
const layers = [
  { name: 'kernel', above: `config|telemetry|${leaves}|gateway|http|supervision|app` },
  { name: 'config|telemetry', above: `${leaves}|gateway|http|supervision|app` },
  { name: leaves, above: 'gateway|http|supervision|app' },
  { name: 'gateway', above: 'http|supervision|app' },
  { name: 'http|supervision', above: 'app' },
];
const unitTest = '\\.test\\.ts$';

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...layers.map(({ name, above }) => ({
      name: `downwards-from-${name.split('|')[0]}`,
      severity: 'error',
      from: { path: `^src/(${name})/` },
      to: { path: `^src/(${above})/` },
    })),
    {
      name: 'leaves-are-strangers',
      comment: 'The user of a service declares the few methods it needs; app passes the object that has them.',
      severity: 'error',
      from: { path: `^src/(${leaves})/`, pathNot: unitTest },
      to: { path: `^src/(${leaves})/`, pathNot: '^src/$1/' },
    },
    {
      name: 'leaves-take-plain-options',
      severity: 'error',
      from: { path: `^src/(${leaves}|gateway)/`, pathNot: unitTest },
      to: { path: '^src/config/' },
    },
    {
      name: 'subfolders-are-private',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/[^/]+/', pathNot: '^src/$1/' },
    },
    {
      name: 'cli-knows-config-and-kernel',
      severity: 'error',
      from: { path: '^src/cli(/|\\.ts$)' },
      to: { path: '^src/', pathNot: '^src/(cli|config|kernel)/' },
    },
    {
      name: 'cli-is-for-its-entry',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli(/|\\.ts$)', unitTest] },
      to: { path: '^src/cli(/|\\.ts$)' },
    },
    {
      name: 'commander-only-in-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: 'node_modules/commander/' },
    },
    {
      name: 'express-only-in-http',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/http/', unitTest] },
      to: { path: 'node_modules/(express|@types/express)' },
    },
    {
      name: 'upstream-client-only-in-ollama',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/ollama/', unitTest] },
      to: { path: 'node_modules/(undici|ollama)/' },
    },
    {
      name: 'sqlite-only-in-storage',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: { path: '^(node:)?sqlite$' },
    },
    {
      name: 'zod-only-in-schemas',
      comment: 'It costs 20 MB: the schemas are loaded by whoever needs them first, never at the start.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/http/(schemas/|validate)', unitTest] },
      to: { path: 'node_modules/zod/' },
    },
    {
      name: 'winston-only-in-telemetry',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: 'node_modules/winston' },
    },
    {
      name: 'src-never-imports-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: unitTest },
      to: { path: '^test/' },
    },
    { name: 'pm2-is-a-program', severity: 'error', from: {}, to: { path: 'node_modules/pm2/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      conditionNames: ['import', 'node', 'default'],
    },
    exclude: { path: ['^reports/', '^public/'] },
  },
};
