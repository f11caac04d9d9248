/** One item a kit's data is made of. */
export interface CheckFile {
  /** With the dot, e.g. `.png`. */
  readonly extension: string;
  readonly bytes: Uint8Array;
  /** Where on an image the thing lies that its label names, in pixels from the top left; right and bottom are outside. */
  readonly box?: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  };
}

/** What an adapter is checked on. */
export interface CheckData {
  /** Two labels or more, each with its items: four or more, of which the kit makes partitions. */
  readonly classes: ReadonlyMap<string, readonly CheckFile[]>;
  /** Sound items that look like none of the classes. */
  readonly odd: readonly CheckFile[];
}
