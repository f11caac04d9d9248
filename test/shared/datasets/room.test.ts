import { expect, it } from 'vitest';
import { Room } from '../../../shared/datasets/room.ts';

/** Work that is over when it is told; says who is at it. */
function workIn(room: Room) {
  const inside = new Set<string>();
  const ends = new Map<string, (error?: Error) => void>();
  const begin = (name: string, bytes: number) =>
    room.within(bytes, async () => {
      inside.add(name);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.set(name, (error) => (error ? reject(error) : resolve()));
      await promise.finally(() => inside.delete(name));
      return name;
    });
  return {
    begin,
    inside: () => [...inside].join(' '),
    end: (name: string, error?: Error) => ends.get(name)!(error),
  };
}

it('lets in as much as there is room for, in the order in which it came', async () => {
  const { begin, inside, end } = workIn(new Room(2, 10));

  const done = [begin('a', 1), begin('b', 1), begin('c', 1)];
  await Promise.resolve();
  expect(inside()).toBe('a b');
  end('a');
  expect(await done[0]).toBe('a');
  expect(inside()).toBe('b c');
  end('b');
  end('c');
  expect(await Promise.all(done)).toEqual(['a', 'b', 'c']);
});

it('lets in what is larger than all its room alone, and nothing small past it', async () => {
  const { begin, inside, end } = workIn(new Room(9, 10));

  const done = [begin('small', 4), begin('huge', 99), begin('late', 1)];
  await Promise.resolve();
  expect(inside()).toBe('small');
  end('small');
  await done[0];
  expect(inside()).toBe('huge');
  end('huge');
  await done[1];
  expect(inside()).toBe('late');
  end('late');
  await done[2];
});

it('has room again after work that failed', async () => {
  const { begin, inside, end } = workIn(new Room(1, 10));

  const [failing, next] = [begin('failing', 1), begin('next', 1)];
  await Promise.resolve();
  end('failing', new Error('no'));
  await expect(failing).rejects.toThrow('no');
  expect(inside()).toBe('next');
  end('next');
  expect(await next).toBe('next');
});
