import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../shared/json.ts';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

const PHOTOS = {
  'photos/cat/1.txt': 'cat 1',
  'photos/cat/2.txt': 'cat 2',
  'photos/dog/young/1.txt': 'dog 1',
  'photos/top.txt': 'nobody',
  'photos/.hidden': 'not for upload',
};

describe('modelfn datasets upload', () => {
  it('makes the topmost folder of each file its class label, and the labels part of the dataset', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, PHOTOS);

    const done = await line.json('datasets', 'upload', 'pets', 'photos', '--labels-from-folders');

    expect(done).toMatchObject({ created: 4, overwritten: 0, existed: 0, failed: [] });
    expect(await line.json('datasets', 'show', 'pets')).toMatchObject({
      itemsCount: 4,
      annotated: 3,
      labels: ['cat', 'dog'],
    });
    expect(await filenames(line)).toEqual(['/cat/1.txt', '/cat/2.txt', '/dog/young/1.txt', '/top.txt']);
  });

  it('uploads pictures that cannot be decoded, and names them', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, { 'in/bad.jpg': 'no picture', 'in/a.txt': 'a text' });

    const { code, stdout } = await line.run('datasets', 'upload', 'pets', 'in');

    expect(code).toBe(0);
    expect(stdout).toContain('2 created');
    expect(stdout).toMatch(/Unreadable as images: 1\n +\/?bad.jpg: its bytes are not those/);
  });

  it('changes nothing when it is run again, and replaces bytes when told to overwrite', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, { 'in/a.txt': 'one' });
    await line.json('datasets', 'upload', 'pets', 'in', '--to', '/box', '--partition', 'test');
    await writeFiles(line.cwd, { 'in/a.txt': 'one and more' });

    expect(await line.json('datasets', 'upload', 'pets', 'in', '--to', '/box')).toMatchObject({ existed: 1 });
    expect(await sizes(line)).toEqual({ '/box/a.txt': 3 });
    expect(await line.json('datasets', 'upload', 'pets', 'in', '--to', '/box', '--overwrite')).toMatchObject({
      overwritten: 1,
    });
    expect(await sizes(line)).toEqual({ '/box/a.txt': 12 });
  });

  it('does not follow links out of the folder, uploads the rest, tells what was left out and ends with 5', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, { ...PHOTOS, 'secret/key.txt': 'secret' });
    await symlink(join(line.cwd, 'secret', 'key.txt'), join(line.cwd, 'photos', 'leak.txt'));
    await symlink(join(line.cwd, 'secret'), join(line.cwd, 'photos', 'leak'));
    await symlink('nowhere', join(line.cwd, 'photos', 'dead.txt'));

    const { code, stdout } = await line.run('datasets', 'upload', 'pets', 'photos', '--json');

    expect(code).toBe(5);
    const { created, failed } = JSON.parse(stdout) as { created: number; failed: { path: string }[] };
    expect(created).toBe(4);
    expect(failed.map(({ path }) => path)).toEqual(['dead.txt', 'leak', 'leak.txt']);
    expect((await filenames(line)).join()).not.toContain('key');
  });

  it('leaves out a file whose name no item may have, and takes the rest', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, { 'in/ blank.txt': 'x', 'in/good.txt': 'y' });

    const { code, stdout } = await line.run('datasets', 'upload', 'pets', 'in', '--json');

    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      created: 1,
      failed: [{ path: '/ blank.txt', code: 'InvalidItemPath' }],
    });
  });

  it('makes a JSON item of each row of a CSV file, numbers as numbers, the label column as label', async () => {
    const line = await withDataset();
    const csv = '\uFEFFx,"y, cm",name,species\r\n1,2.5,"a ""b""",iris\r\n-3,,c,rose\r\n';
    await writeFiles(line.cwd, { 'flowers.csv': csv });

    const done = await line.json('datasets', 'upload', 'pets', 'flowers.csv', '--label-column', 'species');

    expect(done).toMatchObject({ created: 2 });
    expect(await filenames(line)).toEqual(['/flowers/row-000001.json', '/flowers/row-000002.json']);
    expect(await line.json('datasets', 'show', 'pets')).toMatchObject({ labels: ['iris', 'rose'] });
    expect(await sizes(line)).toEqual({
      '/flowers/row-000001.json': '{"x":1,"y, cm":2.5,"name":"a \\"b\\""}'.length,
      '/flowers/row-000002.json': '{"x":-3,"y, cm":null,"name":"c"}'.length,
    });
  });

  it('reads a packed CSV file', async () => {
    const line = await withDataset();
    await writeFile(join(line.cwd, 'rows.csv.gz'), gzipSync('x,y\n1,2\n3,4\n'));

    expect(await line.json('datasets', 'upload', 'pets', 'rows.csv.gz')).toMatchObject({ created: 2 });
  });

  it.each([
    ['a folder that is not there', ['missing'], 5, 'PathUnusable'],
    ['a file that is no table', ['note.txt'], 5, 'PathUnusable'],
    ['a label column that is not there', ['rows.csv', '--label-column', 'z'], 2, 'WrongUsage'],
    ['a row with another number of cells', ['ragged.csv'], 5, 'InvalidInput'],
    ['a quote that is not closed', ['open.csv'], 5, 'PathUnusable'],
    ['bytes that are no text', ['binary.csv'], 5, 'PathUnusable'],
    ['a folder of labels for a table', ['rows.csv', '--labels-from-folders'], 2, 'WrongUsage'],
    ['an unknown partition', ['in', '--partition', 'holdout'], 2, 'WrongUsage'],
    ['a target that climbs', ['in', '--to', '/../up'], 5, 'InvalidItemPath'],
  ])('refuses %s', async (_what, argv, code, error) => {
    const line = await withDataset();
    await writeFiles(line.cwd, {
      'note.txt': 'x',
      'rows.csv': 'x,y\n1,2\n',
      'ragged.csv': 'x,y\n1,2,3\n',
      'open.csv': 'x,y\n"1,2\n',
      'in/a.txt': 'a',
    });
    await writeFile(join(line.cwd, 'binary.csv'), Buffer.from([0xff, 0xfe, 0x00, 0x80]));

    expect(await line.fail('datasets', 'upload', 'pets', ...argv)).toMatchObject({ code, error });
    expect(await filenames(line)).toEqual([]);
  });

  it('refuses a locked dataset and says how to unlock it', async () => {
    const line = await withDataset();
    await writeFiles(line.cwd, PHOTOS);
    await line.json('datasets', 'lock', 'pets');

    const { code, stderr } = await line.run('datasets', 'upload', 'pets', 'photos');

    expect(code).toBe(5);
    expect(stderr).toContain('modelfn datasets unlock');
    await line.json('datasets', 'unlock', 'pets');
    expect((await line.run('datasets', 'upload', 'pets', 'photos')).code).toBe(0);
  });

  it('stops at Ctrl-C with 130', async () => {
    const line = await withDataset({ interrupted: AbortSignal.abort() });
    await writeFiles(line.cwd, PHOTOS);

    expect(await line.fail('datasets', 'upload', 'pets', 'photos')).toMatchObject({
      code: 130,
      error: 'Cancelled',
    });
  });
});

describe('modelfn datasets partition', () => {
  it('splits all items by shares, the same way for the same seed', async () => {
    const line = await withItems(20);
    const split = (seed: string) =>
      line.json('datasets', 'partition', 'pets', '--train', '0.8', '--test', '0.2', '--seed', seed);

    expect(await split('1')).toMatchObject({ train: 16, validation: 0, test: 4 });
    const first = await inTest(line);
    await split('2');
    const other = await inTest(line);
    await split('1');

    expect(await inTest(line)).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('puts the items of a filter into one partition, and takes them out again', async () => {
    const line = await withItems(5);
    const only = ['--filter', '{"filename": "/3.txt"}'];

    expect(await line.json('datasets', 'partition', 'pets', '--set', 'test', ...only)).toMatchObject({
      changed: 1,
    });
    expect(await inTest(line)).toEqual(['/3.txt']);
    await line.json('datasets', 'partition', 'pets', '--set', 'none');
    expect(await inTest(line)).toEqual([]);
  });

  it.each([
    ['neither shares nor a partition', []],
    ['both shares and a partition', ['--train', '1', '--set', 'test']],
    ['a share below zero', ['--train', '1', '--test', '-1']],
    ['shares that are all zero', ['--train', '0']],
    ['a share that is no number', ['--train', 'most']],
    ['a filter that is no JSON', ['--set', 'test', '--filter', '{bad']],
    ['a filter that is no object', ['--set', 'test', '--filter', '[1]']],
    ['a filter file that is not there', ['--set', 'test', '--filter', '@missing.json']],
  ])('refuses %s with 2', async (_what, argv) => {
    const line = await withItems(1);

    expect(await line.fail('datasets', 'partition', 'pets', ...argv)).toMatchObject({
      code: 2,
      error: 'WrongUsage',
    });
  });

  it('ends with 5 for a filter that the store does not understand', async () => {
    const line = await withItems(1);
    const filter = '{"filename": {"$resembles": "x"}}';

    const { code } = await line.fail('datasets', 'partition', 'pets', '--set', 'test', '--filter', filter);

    expect(code).toBe(5);
  });
});

async function withDataset(io: Parameters<typeof commandLine>[0] = {}): Promise<CommandLine> {
  const line = commandLine(io);
  await line.json('projects', 'create', 'demo');
  await line.json('datasets', 'create', 'pets', '--project', 'demo');
  return line;
}

async function withItems(count: number): Promise<CommandLine> {
  const line = await withDataset();
  const names = Array.from({ length: count }, (_, index) => [`in/${index + 1}.txt`, `item ${index}`]);
  await writeFiles(line.cwd, Object.fromEntries(names) as Record<string, string>);
  await line.json('datasets', 'upload', 'pets', 'in');
  return line;
}

async function items(line: CommandLine, ...argv: string[]): Promise<JsonObject[]> {
  return (await line.json('datasets', 'items', 'pets', ...argv)).items as JsonObject[];
}

async function filenames(line: CommandLine): Promise<unknown[]> {
  return (await items(line)).map(({ filename }) => filename);
}

async function sizes(line: CommandLine): Promise<Record<string, unknown>> {
  const found = await items(line);
  return Object.fromEntries(
    found.map(({ filename, metadata }) => [filename, ((metadata as JsonObject).system as JsonObject).size]),
  );
}

async function inTest(line: CommandLine): Promise<unknown[]> {
  const found = await items(line, '--filter', '{"metadata.system.snapshotPartition": "test"}');
  return found.map(({ filename }) => filename);
}
