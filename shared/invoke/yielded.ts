/** What a function answers whose work goes on in the next invocation of the same execution. */
export class Yielded {
  /** 0..100 */
  readonly percentComplete: number;
  readonly message: string | undefined;

  constructor(percentComplete: number, message?: string) {
    this.percentComplete = percentComplete;
    this.message = message;
  }
}
