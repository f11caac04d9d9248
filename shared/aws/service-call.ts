import type { LambdaEnvironment } from '../config.ts';
import { queryText, signRequest } from './sign-request.ts';

/** A request to a service of AWS. */
export interface ServiceCall {
  /** As the signature and the host have it, e.g. `states`. */
  service: string;
  region: string;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Absolute path, already encoded. */
  path: string;
  query?: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface ServiceAnswer {
  status: number;
  text: string;
}

/** How long AWS may take to answer. */
const TIMEOUT_MS = 10_000;

/**
 * Sends a request, signed by hand with the container's own credentials: AWS's clients would double the bundles for a few
 * requests. Whatever AWS answers is an answer. @throws what `fetch` throws when there is none
 */
export async function callService(
  { service, region, method = 'POST', path, query = {}, headers, body }: ServiceCall,
  { accessKeyId, secretAccessKey, sessionToken, endpoint }: LambdaEnvironment,
  now: number,
  timeoutMs = TIMEOUT_MS,
): Promise<ServiceAnswer> {
  const url = new URL(path, endpoint ?? `https://${service}.${region}.${domainOf(region)}`);
  url.search = queryText(query);
  const signed = signRequest(
    {
      method,
      path: url.pathname,
      query,
      headers: {
        ...headers,
        host: url.host,
        ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
      },
      body,
    },
    { accessKeyId, secretAccessKey, region, service },
    now,
  );
  const { host: _host, ...sent } = signed;
  const response = await fetch(url, {
    method,
    headers: sent,
    ...(body !== '' && { body }),
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
  });
  return { status: response.status, text: await response.text() };
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
