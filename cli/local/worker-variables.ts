import type { Environment } from './worker-process.ts';

/**
 * Variables that adapters may see: where programs, devices, certificates and proxies are, and how Google's client finds a
 * login. A list of what is passed on: a credential that nobody thought of is not on it.
 */
const VISIBLE = new RegExp(
  `^(${[
    'PATH|HOME|TMPDIR|TZ|LANG|LC_\\w+|LD_LIBRARY_PATH|CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES',
    'NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY',
    'GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_CLOUD_PROJECT|CLOUDSDK_CONFIG|GCE_METADATA_HOST|NO_GCE_CHECK',
  ].join('|')})$`,
);

export function isVisible(name: string): boolean {
  return VISIBLE.test(name);
}

/**
 * Splits the variables of a worker. Visible ones are its environment from the start. The others reach it over a pipe, for
 * its own code: they are in no process's initial environment, which every program of the same user can read.
 */
export function splitVariables(env: Environment): {
  visible: Record<string, string>;
  hidden: Record<string, string>;
} {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    visible: Object.fromEntries(given.filter(([name]) => isVisible(name))),
    hidden: Object.fromEntries(given.filter(([name]) => !isVisible(name))),
  };
}
