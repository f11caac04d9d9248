import type { IncomingMessage, ServerResponse } from 'node:http';

/** How slow a client may be. */
export interface PaceLimits {
  /** Length of a window. */
  windowMs: number;
  /** Bytes that each window must move, in whatever direction is due. */
  minBytes: number;
}

/** 34 bytes per second: no network that works is so slow. */
export const DEFAULT_PACE: PaceLimits = { windowMs: 30_000, minBytes: 1_024 };

/**
 * Bounds bodies by their progress instead of their total time: an upload may take hours, a connection that moves nothing may
 * not stay. Calls `onSlowBody` when the client sends too little of its body, and cuts the connection when it does not take its answer. A
 * server that does not read or write is not the client's fault.
 */
export function watchPace(
  request: IncomingMessage,
  response: ServerResponse,
  { windowMs, minBytes }: PaceLimits,
  onSlowBody: () => void,
): void {
  const { socket } = request;
  const sentBytes = () => socket.bytesWritten - socket.writableLength;
  let read = socket.bytesRead;
  let sent = sentBytes();
  const timer = setInterval(() => {
    const moved = { read: socket.bytesRead - read, sent: sentBytes() - sent };
    read = socket.bytesRead;
    sent = sentBytes();
    const isBodyDue = !request.complete && request.readableLength < request.readableHighWaterMark;
    const isAnswerWaiting = socket.writableLength > 0;
    if (isAnswerWaiting && moved.sent < minBytes) stop(() => socket.destroy());
    else if (isBodyDue && !isAnswerWaiting && moved.read < minBytes) stop(onSlowBody);
  }, windowMs);
  timer.unref();
  const stop = (then: () => void): void => {
    clearInterval(timer);
    then();
  };
  response.once('close', () => clearInterval(timer));
}
