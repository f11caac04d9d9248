/** A process that serves the bucket "bench" of Cloud Storage, as far as the tests' server does. */
const { startGcsServer } = await import(new URL('../../test/support/gcs-server.ts', import.meta.url).href);

const server = await startGcsServer('bench');
process.send({ port: Number(new URL(server.origin).port) });
process.on('disconnect', () => process.exit());
