/** Address of an entity of the API. */
export function linkTo(baseUrl: string, ...parts: readonly string[]): string {
  return [baseUrl, ...parts.map(encodeURIComponent)].join('/');
}
