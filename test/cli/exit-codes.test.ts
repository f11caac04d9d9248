import { describe, expect, it } from 'vitest';
import { WrongUsage } from '../../cli/errors.ts';
import { EXIT_CODE_HELP, EXIT_CODES, exitCodeOf } from '../../cli/exit-codes.ts';
import { ProjectNameTaken } from '../../shared/catalog/errors.ts';
import { Cancelled, InvalidInput } from '../../shared/errors.ts';
import { AmbiguousReference } from '../../shared/resolve/errors.ts';
import { EntityNotFound, StoreUnavailable } from '../../shared/store/errors.ts';

describe('exitCodeOf', () => {
  it.each([
    ['a foreign error', new TypeError('x'), 1],
    ['wrong usage', new WrongUsage('x'), 2],
    ['an unknown name', new EntityNotFound({ kind: 'Model', reference: 'x' }), 3],
    [
      'an ambiguous name',
      new AmbiguousReference({ kind: 'Model', reference: 'x', field: 'm', found: [] }),
      3,
    ],
    ['a name that is taken, whatever its status', new ProjectNameTaken('x'), 4],
    ['refused input', new InvalidInput('x', []), 5],
    ['a store that does not answer', new StoreUnavailable(new Error('locked'), 'Wait.'), 6],
    ['an interruption', new Cancelled('x'), 130],
  ])('is the documented one for %s', (_what, error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('does not take an inherited property for a code', () => {
    const error = Object.assign(new InvalidInput('x', []), { code: 'constructor' });

    expect(exitCodeOf(error)).toBe(5);
  });

  it('has a line in the help for every code', () => {
    for (const code of Object.values(EXIT_CODES))
      expect(EXIT_CODE_HELP).toMatch(new RegExp(`\\n {2}${code} +\\w`));
  });
});
