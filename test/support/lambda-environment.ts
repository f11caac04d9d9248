import { vi } from 'vitest';

/** Makes this process look like a Lambda container whose services of AWS answer at `endpoint`, until `vi.unstubAllEnvs()`. */
export function stubLambdaEnvironment(endpoint: string): void {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'modelfn-test-train');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'planted-secret-of-the-container');
  vi.stubEnv('AWS_SESSION_TOKEN', 'planted-token-of-the-container');
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
}
