import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** GETs over kept connections, as many at once as are asked for; bytes are counted and dropped, or written to a file. */
export async function rawDownload(
  urls: readonly string[],
  atOnce: number,
  toFile?: (index: number) => string,
): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  let next = 0;
  let bytes = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < urls.length; index = next++) {
      const response = await send(request(urls[index]!, { agent }));
      if (toFile) await pipeline(response, createWriteStream(toFile(index)));
      else for await (const chunk of response) bytes += (chunk as Buffer).byteLength;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
  return bytes;
}

/** Bytes in memory sent over kept connections, an object a request. */
export async function rawUpload(
  bodies: readonly { method: 'PUT' | 'POST'; url: string; bytes: Uint8Array }[],
  atOnce: number,
): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < bodies.length; index = next++) {
      const { method, url, bytes } = bodies[index]!;
      const sent = request(url, { method, agent, headers: { 'content-length': bytes.byteLength } });
      const answered = once(sent, 'response');
      sent.end(bytes);
      const [response] = (await answered) as [IncomingMessage];
      await response.resume().toArray();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
}

async function send(sent: ReturnType<typeof request>): Promise<IncomingMessage> {
  const answered = once(sent, 'response');
  sent.end();
  const [response] = (await answered) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return response;
}
