/**
 * The memory of the input of the run before, to be filled again: memory outside of V8's heap makes it collect garbage sooner, and each
 * batch would take some megabytes of it anew. It is held weakly: an idle model keeps nothing.
 */
export class SpareArray<Numbers extends { readonly length: number } & object> {
  #held: WeakRef<Numbers> | undefined;

  /** An array of just this length that nobody else has, with any numbers in it; `undefined` when there is none. */
  take(length: number): Numbers | undefined {
    const array = this.#held?.deref();
    if (array?.length !== length) return undefined;
    this.#held = undefined;
    return array;
  }

  /** Nobody else is to use it from now on. */
  put(array: Numbers): void {
    this.#held = new WeakRef(array);
  }
}
