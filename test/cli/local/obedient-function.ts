/** A function that does what its event says. */
export const OBEDIENT = `
  import { readdirSync, writeFileSync } from 'node:fs';
  import { connect } from 'node:net';
  import { join } from 'node:path';
  let calls = 0;
  export async function handler(event, context) {
    calls += 1;
    if (event.say) { console.log(event.say); console.error(JSON.stringify({ level: 'warn', message: 'heard', word: event.say })); }
    if (event.exit !== undefined) process.exit(event.exit);
    if (event.die) process.kill(process.pid, 'SIGKILL');
    if (event.tell) console.log('remaining ' + context.getRemainingTimeInMillis());
    if (event.hang) await new Promise(() => { setInterval(() => {}, 1000); });
    if (event.spin) for (;;);
    if (event.meet) {
      writeFileSync(join(event.meet, String(process.pid)), '');
      while (readdirSync(event.meet).length < 2) await new Promise(setImmediate);
    }
    if (event.hold) connect(event.hold).on('error', () => {});
    if (event.fail) throw Object.assign(new Error(event.fail), { [Symbol.for('modelfn.error')]: true, code: 'NoFruit', statusCode: 418, retryable: true, details: { fruit: 'pear' } });
    if (event.crash) throw new Error(event.crash);
    if (event.bigint) return 1n;
    if (event.again) await context.dispatch({ say: event.again });
    return {
      pid: process.pid, calls, event, env: process.env.LC_FRUIT,
      name: context.functionName, requestId: context.awsRequestId,
      remaining: context.getRemainingTimeInMillis(),
    };
  }`;

export interface Answer {
  pid: number;
  calls: number;
  env?: string;
  name: string;
  requestId: string;
  remaining: number;
}
