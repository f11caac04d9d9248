/** Version of modelfn: part of the digest of a built-in adapter and of every lineage. Equal to package.json's. */
export const VERSION = '0.1.0';
