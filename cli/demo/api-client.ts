import { ModelfnError } from '../../shared/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../shared/json.ts';

/** An answer of the API that is an error, under its own code. */
export class ApiRefused extends ModelfnError {
  override readonly name = 'ApiRefused';
  readonly code: string;
  readonly statusCode: number;
  constructor(method: string, path: string, status: number, body: Json) {
    const { code, message } = isJsonObject(body) ? body : {};
    super(`${method} ${path} answered ${status}: ${String(message ?? JSON.stringify(body))}`, {
      details: { status },
    });
    this.code = typeof code === 'string' ? code : 'ApiRefused';
    this.statusCode = status;
  }
}

/** Speaks to a running server as any client does. */
export interface ApiClient {
  get(path: string): Promise<JsonObject>;
  post(path: string, body: JsonObject): Promise<JsonObject>;
  delete(path: string): Promise<void>;
}

/** A client of the API at `baseUrl`, e.g. `http://127.0.0.1:3700/api/v1`. */
export function apiClient(baseUrl: string): ApiClient {
  const call = async (method: string, path: string, body?: JsonObject): Promise<JsonObject> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Json;
    if (!response.ok) throw new ApiRefused(method, path, response.status, answer);
    return isJsonObject(answer) ? answer : { answer };
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    delete: async (path) => void (await call('DELETE', path)),
  };
}
