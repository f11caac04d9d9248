import { InvalidName } from './errors.ts';

const MAX_LENGTH = 35;

/** Checks the name of a package or service: it becomes part of addresses. @throws InvalidName */
export function assertName(kind: 'package' | 'service', name: string): void {
  if (name.length > MAX_LENGTH)
    throw new InvalidName(kind, name, `Name must be at most ${MAX_LENGTH} characters.`);
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name))
    throw new InvalidName(kind, name, name === '' ? 'It is empty.' : 'It has characters in a wrong place.');
}
