/**
 * Loaded before everything else (`node --import`), and no TypeScript itself: without a cache Node would load what strips types,
 * 20 MB in every process, for the first few files. `dir` of the address names the folder.
 */
import { enableCompileCache } from 'node:module';

const dir = new URL(import.meta.url).searchParams.get('dir') ?? undefined;
enableCompileCache(dir);
// Threads look for it there, and processes that this one starts.
if (dir !== undefined) process.env.NODE_COMPILE_CACHE = dir;
