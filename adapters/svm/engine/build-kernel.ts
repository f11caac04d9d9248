import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const SOURCE = fileURLToPath(new URL('./assembly/kernel.ts', import.meta.url));
const GENERATED = fileURLToPath(new URL('./kernel.generated.ts', import.meta.url));

/**
 * Compiles `assembly/kernel.ts`. The same source and the same AssemblyScript release give the same bytes on
 * every machine; a test compares them with the committed ones.
 * @throws Error with the compiler's own messages.
 */
export async function compileKernel(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'modelfn-kernel-'));
  try {
    return await compileInto(join(folder, 'kernel.wasm'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The text of `kernel.generated.ts` for these bytes. */
export function generatedText(wasm: Uint8Array): string {
  return [
    '// Made by `node adapters/svm/engine/build-kernel.ts` from assembly/kernel.ts. Not edited by hand.',
    '',
    '/** The compiled WebAssembly module, base64. */',
    `export const KERNEL_BASE64 =\n  '${Buffer.from(wasm).toString('base64')}';`,
    '',
  ].join('\n');
}

async function compileInto(wasmFile: string): Promise<Uint8Array> {
  const { error, stderr } = await asc.main([
    SOURCE,
    ...['--outFile', wasmFile, '-O3', '--converge', '--noAssert'],
    ...['--runtime', 'stub', '--importMemory', '--enable', 'simd'],
  ]);
  if (error) throw new Error(`The kernel does not compile: ${error.message}\n${stderr.toString()}`);
  return await readFile(wasmFile);
}

if (import.meta.main) await writeFile(GENERATED, generatedText(await compileKernel()));
