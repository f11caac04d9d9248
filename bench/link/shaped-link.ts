/**
 * A process between a client and a server that makes loopback a line of a given width and delay. It models what TCP
 * does on such a line: a connection costs a round trip before its first byte; each begins with ten segments under way
 * and may have twice as many after each round trip; all share the width, and a router that keeps some milliseconds.
 * No loss. Bounded: no more is read from the server than may be under way.
 * Arguments: the server's port, bits a second, round trip in milliseconds.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const [port, bitsPerSecond, roundTripMs] = process.argv.slice(2).map(Number) as [number, number, number];
const BYTES_PER_MS = bitsPerSecond / 8 / 1000;
const INITIAL_WINDOW_BYTES = 10 * 1448;
const MAX_WINDOW_BYTES = 6 * 2 ** 20;
const ROUTER_MS = 40;

type Event = { at: number; run: () => void };

/** Events in order of time; those of one direction of one connection were put in in order. */
const events: Event[] = [];
let ticking = false;

function at(time: number, run: () => void): void {
  let index = events.length;
  while (index > 0 && events[index - 1]!.at > time) index -= 1;
  events.splice(index, 0, { at: time, run });
  if (!ticking) tick();
}

function tick(): void {
  const now = performance.now();
  let due = 0;
  while (due < events.length && events[due]!.at <= now) due += 1;
  for (const { run } of events.splice(0, due)) run();
  ticking = events.length > 0;
  if (ticking) setTimeout(tick, Math.max(1, events[0]!.at - performance.now()));
}

/** One direction of the line, shared by all connections: when it is free again. */
class Line {
  freeAt = 0;
  readonly waiting: (() => void)[] = [];
  isFull(): boolean {
    return this.freeAt - performance.now() > ROUTER_MS;
  }
  /** When these bytes have left it. */
  take(bytes: number): number {
    this.freeAt = Math.max(this.freeAt, performance.now()) + bytes / BYTES_PER_MS;
    return this.freeAt;
  }
}

const down = new Line();
const up = new Line();

/** Bytes of one direction of one connection, on their way. */
class Stream {
  readonly #line: Line;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #opensAt: number;
  readonly #queue: Buffer[] = [];
  #window = INITIAL_WINDOW_BYTES;
  #underWay = 0;
  #ended = false;
  #waits = false;

  constructor(line: Line, from: Socket, to: Socket, opensAt: number) {
    this.#line = line;
    this.#from = from;
    this.#to = to;
    this.#opensAt = opensAt;
    from.on('data', (chunk) => {
      this.#queue.push(chunk);
      from.pause();
      this.#pump();
    });
    from.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!this.#ended) to.destroy();
    });
  }

  #pump(): void {
    for (let chunk = this.#queue.shift(); chunk !== undefined; chunk = this.#queue.shift()) {
      const room = this.#window - this.#underWay;
      if (room <= 0 || this.#line.isFull()) {
        this.#queue.unshift(chunk);
        if (room > 0 && !this.#waits) this.#wait();
        return;
      }
      const part = chunk.subarray(0, room);
      if (part.byteLength < chunk.byteLength) this.#queue.unshift(chunk.subarray(room));
      this.#send(part);
    }
    if (this.#ended && this.#underWay === 0) this.#to.end();
    else this.#from.resume();
  }

  #wait(): void {
    this.#waits = true;
    at(performance.now() + 1, () => {
      this.#waits = false;
      this.#pump();
    });
  }

  #send(part: Buffer): void {
    this.#underWay += part.byteLength;
    const leftAt = Math.max(this.#line.take(part.byteLength), this.#opensAt);
    at(leftAt + roundTripMs / 2, () => this.#to.destroyed || this.#to.write(part));
    at(leftAt + roundTripMs, () => {
      this.#underWay -= part.byteLength;
      this.#window = Math.min(MAX_WINDOW_BYTES, this.#window + part.byteLength);
      this.#pump();
    });
  }
}

const server = createServer((client) => {
  const origin = connect(port, '127.0.0.1');
  for (const socket of [client, origin]) socket.setNoDelay(true);
  new Stream(up, client, origin, performance.now() + roundTripMs);
  new Stream(down, origin, client, 0);
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
