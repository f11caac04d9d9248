import { execFileSync } from 'node:child_process';
import { pythonFor } from '../../../adapters/python/virtual-environment.ts';
import { readConfig } from '../../../shared/config.ts';

/** A process that wants the packages of a folder: `<folder> <cache> <program>`. Says where its Python is, and that it runs. */
const [directory = '', cacheDirectory = '', executable = ''] = process.argv.slice(2);
const interpreter = { executable, version: '3.11.0', platform: 'test' };
const settings = { ...readConfig({ PATH: process.env.PATH }).python, installMs: 60_000 };
const { executable: python } = await pythonFor(directory, { interpreter, settings, cacheDirectory });
console.log(JSON.stringify({ python, says: execFileSync(python, ['-c', 'hello']).toString().trim() }));
