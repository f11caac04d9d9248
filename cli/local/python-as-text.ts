import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Puts the text of the Python host into the bundle, which is deployed without the sources: in place of the module that
 * reads the files, one that imports them. They are inputs of the build like any other: a change of one makes it stale.
 */
export const pythonAsText: Plugin = {
  name: 'python-as-text',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]adapters[\\/]python[\\/]host-script\.ts$/ }, async ({ path }) => {
      const names = (await readdir(join(dirname(path), 'host')))
        .filter((name) => name.endsWith('.py'))
        .sort();
      const imports = names.map((name, index) => `import text${index} from './host/${name}';`);
      const entries = names.map((name, index) => `${JSON.stringify(name)}: text${index}`);
      return {
        contents: `export const HOST_NAME = 'modelfn_host.py';\n${imports.join('\n')}\nexport const HOST_FILES = { ${entries.join(', ')} };\n`,
        loader: 'ts',
      };
    });
  },
};
