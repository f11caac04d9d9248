import { describe, expect, it } from 'vitest';
import { Residents } from '../../../shared/snapshots/residents.ts';

interface Scene {
  residents: Residents<string>;
  loads: string[];
  disposed: string[];
  /** Has a thing loaded that takes so many bytes. */
  get: (name: string, bytes?: number) => ReturnType<Residents<string>['acquire']>;
}

function scene(limits: { count?: number; bytes?: number } = {}): Scene {
  const loads: string[] = [];
  const disposed: string[] = [];
  const residents = new Residents<string>({ count: 100, bytes: 1000, ...limits }, (value) =>
    disposed.push(value),
  );
  const get = (name: string, bytes = 0) =>
    residents.acquire(name, async (tell) => {
      loads.push(name);
      tell(bytes);
      return name;
    });
  return { residents, loads, disposed, get };
}

describe('what is kept in memory', () => {
  it('is loaded once for all who ask while it loads, and for who comes later', async () => {
    const { get, loads } = scene();

    const first = await Promise.all(Array.from({ length: 50 }, () => get('a')));
    const later = await get('a');

    expect(loads).toEqual(['a']);
    expect(first.filter(({ cold }) => cold)).toHaveLength(1);
    expect(later).toMatchObject({ value: 'a', cold: false });
  });

  it('goes when it was used longest ago and the bytes are too many', async () => {
    const { get, disposed } = scene();
    for (const name of ['a', 'b', 'c']) (await get(name, 400)).release();
    expect(disposed).toEqual(['a']);

    (await get('b', 400)).release();
    (await get('d', 400)).release();

    expect(disposed).toEqual(['a', 'c']);
  });

  it('goes when there are too many, whatever they take', async () => {
    const { get, disposed } = scene({ count: 2 });

    for (const name of ['a', 'b', 'c', 'd']) (await get(name)).release();

    expect(disposed).toEqual(['a', 'b']);
  });

  it('stays while someone uses it, and goes with the last of them', async () => {
    const { get, disposed } = scene({ count: 1 });
    const [one, two] = [await get('a'), await get('a')];
    (await get('b')).release();
    expect(disposed).toEqual([]);

    one.release();
    one.release();
    expect(disposed).toEqual([]);
    two.release();

    expect(disposed).toEqual(['a']);
  });

  it('stays when it came last, even if it alone is too big', async () => {
    const { get, disposed, loads } = scene();
    (await get('small', 10)).release();

    (await get('huge', 5000)).release();
    (await get('huge', 5000)).release();

    expect(disposed).toEqual(['small']);
    expect(loads).toEqual(['small', 'huge']);
  });

  it('makes room before a load fills the memory, as soon as its size is told', async () => {
    const { residents, get, disposed } = scene();
    (await get('a', 600)).release();

    await residents.acquire('b', async (tell) => {
      expect(disposed).toEqual([]);
      tell(600);
      expect(disposed).toEqual(['a']);
      return 'b';
    });
  });

  it('is not kept when its load fails: all who wait hear it, and the next call loads anew', async () => {
    const { residents, get, disposed } = scene();
    const failure = new Error('no');
    const failing = () => residents.acquire('a', () => Promise.reject(failure));

    const heard = await Promise.allSettled([failing(), failing()]);

    expect(heard.map((each) => each.status === 'rejected' && each.reason)).toEqual([failure, failure]);
    expect(await get('a')).toMatchObject({ value: 'a', cold: true });
    expect(disposed).toEqual([]);
  });
});
