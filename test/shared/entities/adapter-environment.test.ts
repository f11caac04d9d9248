import { describe, expect, it } from 'vitest';
import { adapterEnvironmentSchema } from '../../../shared/entities/adapter-environment.ts';
import { parse } from '../../../shared/parse.ts';

const check = (value: unknown) => parse(adapterEnvironmentSchema, value, 'environment');

describe('the environment of a model', () => {
  it.each([
    {},
    { python: '3.8' },
    { python: '3.11.7', requirements: 'none' },
    { requirements: ['numpy==1.26.4'], packages: ['scipy'] },
    {
      variables: { TOKENIZERS_PARALLELISM: 'false', TORCH_HOME: 'models' },
      secrets: { HF_TOKEN: 'MODELFN_SECRET_HUB' },
    },
  ])('takes %o', (value) => {
    expect(check(value)).toEqual(value);
  });

  it.each<[string, object, RegExp]>([
    ['a version that is no version', { python: 'python3' }, /not a version/],
    ['a Python that is too old', { python: '3.7' }, /too old/],
    ['another Python', { python: '2.7' }, /not a version/],
    ['a misspelled field', { pyhton: '3.8' }, /pyhton/],
    ['an unknown word for requirements', { requirements: 'skip' }, /requirements/],
    ['a line of two lines', { packages: ['numpy\n-r x'] }, /several lines/],
    ['a setting of modelfn', { variables: { MODELFN_HOME: '/' } }, /set by modelfn/],
    ['a variable that decides what runs', { variables: { LD_PRELOAD: '/x.so' } }, /set by modelfn/],
    ['a variable that a run depends on', { variables: { PYTHONHASHSEED: '1' } }, /set by modelfn/],
    ['a secret in clear', { variables: { HF_TOKEN: 'hf_abc' } }, /stored in clear/],
    ['a secret by its value', { secrets: { HF_TOKEN: 'hf_abc' } }, /not the name of a secret/],
    ['a name that is no variable', { variables: { 'A B': 'x' } }, /name of a variable/],
    ['a variable given twice', { variables: { A: 'x' }, secrets: { A: 'MODELFN_SECRET_A' } }, /both/],
  ])('refuses %s', (_case, value, problem) => {
    expect(() => check(value)).toThrow(problem);
  });
});
