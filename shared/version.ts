/** Version of modelfn: part of the digest of a built-in adapter and of every lineage. Equal to package.json's. */
export const VERSION = '0.1.0';

/** Put in by the build: digest of the sources of all built-in adapters. Not defined where the sources run unbundled. */
declare const MODELFN_BUILT_IN_DIGEST: string | undefined;

/** Names the exact code of the built-in adapters. */
export const BUILT_IN_CODE: string =
  typeof MODELFN_BUILT_IN_DIGEST === 'string' ? `${VERSION}+${MODELFN_BUILT_IN_DIGEST}` : `${VERSION}+source`;
