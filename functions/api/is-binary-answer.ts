/** JSON goes as text, all else as base64: an item may be of any type, and text of any encoding. */
export function isBinaryAnswer(headers: Record<string, unknown>): boolean {
  const type = headers['content-type'];
  const isPlain = headers['content-encoding'] === undefined;
  return !(isPlain && (type === undefined || /^application\/json\b/.test(String(type))));
}
