/** A number of things and their bytes. */
export interface Freed {
  count: number;
  sizeBytes: number;
}

export function nothing(): Freed {
  return { count: 0, sizeBytes: 0 };
}

export function addTo(total: Freed, { sizeBytes }: { sizeBytes: number }): void {
  total.count += 1;
  total.sizeBytes += sizeBytes;
}

export function sumOf(things: readonly { sizeBytes: number }[]): Freed {
  const total = nothing();
  for (const thing of things) addTo(total, thing);
  return total;
}
