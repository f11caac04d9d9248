import { callService, type ServiceAnswer, type ServiceCall } from '../aws/service-call.ts';
import type { LambdaEnvironment } from '../config.ts';
import { messageOf } from '../errors.ts';
import { RelayRefused } from './errors.ts';

/** Sends a request of the relay. Whatever AWS answers is an answer. @throws RelayRefused when there is none */
export type CallAws = (what: string, call: Omit<ServiceCall, 'region'>) => Promise<ServiceAnswer>;

/** Calls the services of the container's own region. */
export function awsCaller(environment: LambdaEnvironment, now: () => number): CallAws {
  return (what, call) =>
    callService({ ...call, region: environment.region }, environment, now()).catch((cause: unknown) => {
      throw new RelayRefused(what, messageOf(cause), cause);
    });
}

/** A request in the JSON protocol that most services speak. `target`: e.g. `AWSEvents.PutEvents`. */
export function jsonCall(
  service: string,
  target: string,
  body: object,
  version: '1.0' | '1.1' = '1.0',
): Omit<ServiceCall, 'region'> {
  return {
    service,
    path: '/',
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target },
    body: JSON.stringify(body),
  };
}

/** Why AWS refused, for people and logs. */
export function refusalOf({ status, text }: ServiceAnswer): string {
  return `it answered ${status} ${text.slice(0, 300)}`;
}

export function isOk({ status }: ServiceAnswer): boolean {
  return status >= 200 && status < 300;
}
