import { describe, expect, it } from 'vitest';
import { WrongUsage } from '../../cli/errors.ts';
import { EXIT_CODE_HELP, EXIT_CODES, exitCodeOf } from '../../cli/exit-codes.ts';
import { WorkerLost } from '../../cli/local/errors.ts';
import { BucketUnavailable } from '../../shared/buckets/errors.ts';
import { ProjectNameTaken } from '../../shared/catalog/errors.ts';
import { Cancelled, InvalidInput, toErrorBody } from '../../shared/errors.ts';
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
    [
      'a bucket that does not answer',
      new BucketUnavailable({ bucketType: 'gcs', operation: 'read', key: 'k', cause: new Error('away') }),
      6,
    ],
    ['a process that was lost', new WorkerLost('train', 'signal SIGKILL'), 6],
    ['an interruption', new Cancelled('x'), 130],
  ])('is the documented one for %s', (_what, error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'EIO'])(
    'is the one of unusable storage for an error of the system with code %s, which has a stable code and advice',
    (code) => {
      const error = Object.assign(new Error(`${code}: refused, open '/secret-place/x'`), { code });

      expect(exitCodeOf(error)).toBe(6);
      expect(toErrorBody(error)).toMatchObject({
        code: 'StorageUnavailable',
        statusCode: 503,
        details: { systemCode: code },
        message: expect.not.stringContaining('/secret-place'),
      });
    },
  );

  it('stays the one of unforeseen faults for other errors of the system', () => {
    const error = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });

    expect(exitCodeOf(error)).toBe(1);
    expect(toErrorBody(error).code).toBe('InternalError');
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
