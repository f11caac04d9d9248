/** A process that serves the bucket "bench" of Cloud Storage, as far as the tests' server does. */
import { startGcsServer } from '../../test/support/gcs-server.ts';

const server = await startGcsServer('bench');
process.send?.({ port: Number(new URL(server.origin).port) });
process.on('disconnect', () => process.exit());
