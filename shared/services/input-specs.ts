import type { DeclaredInput } from '../entities/package.ts';
import type { InputSpec, InputSpecs } from '../invoke/function-spec.ts';

/** A package's declaration in the words that read the inputs of every function. */
export function inputSpecsOf(declared: readonly DeclaredInput[]): InputSpecs {
  return Object.fromEntries(declared.map((input) => [input.name, specOf(input)]));
}

function specOf({ type, description, value, optional }: DeclaredInput): InputSpec {
  return {
    type,
    description: description ?? `a ${type}`,
    ...(value !== undefined && { default: value }),
    required: value === undefined && !optional,
  };
}
