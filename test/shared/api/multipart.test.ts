import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Request } from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FilePart, receiveFilePart } from '../../../shared/api/multipart.ts';

let server: Server;
beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const TYPE = 'multipart/form-data; boundary=b';
const part = (name: string, value: string, filename?: string): string =>
  `--b\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n${value}`;

async function readAll({ bytes }: FilePart): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Sends a body as it is, and answers what became of the upload. `declared` bytes are announced. */
async function send<T>(
  body: string,
  receive: (file: FilePart) => Promise<T>,
  declared = Buffer.byteLength(body),
): Promise<T> {
  const outcome = new Promise<T>((resolve, reject) => {
    server.once('request', (request: IncomingMessage, response) => {
      receiveFilePart(request as Request, receive)
        .then(resolve, reject)
        .finally(() => response.end());
    });
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${TYPE}\r\ncontent-length: ${declared}\r\n\r\n${body}`,
  );
  if (declared > Buffer.byteLength(body)) socket.end();
  return outcome.finally(() => socket.destroy());
}

describe('a multipart upload', () => {
  it('hands over the fields that came before, and the file as it arrives', async () => {
    const body = `${part('path', '/a')}\r\n${part('file', 'bytes', 'x/y.bin')}\r\n${part('late', '1')}\r\n--b--\r\n`;

    const received = await send(body, async (file) => ({ ...file, text: await readAll(file) }));

    expect([...received.fields]).toEqual([['path', '/a']]);
    expect(received.text).toBe('bytes');
    expect(received.filename).toBe('x/y.bin');
  });

  it('of which the sender goes away ends the file with an error instead of waiting for ever', async () => {
    const reader: { error?: unknown } = {};

    const upload = send(
      part('file', 'the first half', 'a'),
      (file) =>
        readAll(file).catch((error: unknown) => {
          reader.error = error;
          throw error;
        }),
      10_000,
    );

    await expect(upload).rejects.toMatchObject({ code: 'UploadInterrupted', statusCode: 400 });
    expect(reader.error).toBeDefined();
  });

  it('fails with what its receiver throws, before the rest has come', async () => {
    const refused = send(
      part('file', 'x'.repeat(100), 'a'),
      () => Promise.reject(new RangeError('a fault of ours')),
      5_000_000,
    );

    await expect(refused).rejects.toThrow(RangeError);
  });

  it('takes the first of two files and drops the other', async () => {
    const body = `${part('file', 'one', 'a')}\r\n${part('file', 'two', 'b')}\r\n--b--\r\n`;

    expect(await send(body, readAll)).toBe('one');
  });

  it('refuses a field that is longer than its limit', async () => {
    const body = `${part('metadata', 'x'.repeat(5_000_000))}\r\n${part('file', '1', 'a')}\r\n--b--\r\n`;

    await expect(send(body, readAll)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('metadata'),
    });
  });

  it('a field called __proto__ is a field', async () => {
    const body = `${part('__proto__', 'x')}\r\n${part('file', '1', 'a')}\r\n--b--\r\n`;

    const received = await send(body, async (file) => file.fields.get('__proto__'));

    expect(received).toBe('x');
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});
