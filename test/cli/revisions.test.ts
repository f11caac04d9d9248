import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCAL_ACTOR } from '../../shared/auth/actor.ts';
import { createModel } from '../../shared/catalog/models.ts';
import { createSnapshot } from '../../shared/catalog/snapshots.ts';
import { readConfig } from '../../shared/config.ts';
import type { JsonObject } from '../../shared/json.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { cutOff, rewriteDocument } from '../support/damage-document.ts';
import { type CommandLine, commandLine, writeFiles } from './command-line.ts';

const OLD = new Date('2020-01-01T00:00:00.000Z');

describe('revisions on the command line', () => {
  it('are listed, restored as a new one, and written into a folder', async () => {
    const line = await withTwoRevisions();

    const listed = await line.run('snapshots', 'revisions', 'one');
    expect(listed.stdout).toMatch(/^REVISION +CREATED.*\n +2 .* 2 +8 B +local/);
    const restored = await line.json('snapshots', 'restore', 'one', '--revision', '1');
    expect(restored).toMatchObject({ revision: 3, lineage: { restored: { revision: 1 } } });
    expect((await line.run('snapshots', 'revisions', 'one')).stdout).toContain('restored from 1');

    const current = await line.json('snapshots', 'restore', 'one', '--to', 'out/current');
    expect(current).toMatchObject({ snapshot: { revision: 3 }, files: [{ path: 'a.bin' }] });
    await line.json('snapshots', 'restore', 'one', '--revision', '2', '--to', 'out/second');
    expect((await readdir(join(line.cwd, 'out', 'second'))).sort()).toEqual(['a.bin', 'b.bin']);
    expect(await line.fail('snapshots', 'restore', 'one', '--to', 'out/second')).toMatchObject({
      code: 4,
      error: 'FolderNotEmpty',
    });
  });

  it('say which there are when one is not, and what to give when nothing was', async () => {
    const line = await withTwoRevisions();

    expect(await line.fail('snapshots', 'restore', 'one', '--revision', '9')).toMatchObject({
      code: 3,
      error: 'RevisionNotFound',
      message: expect.stringContaining('It has: 2, 1.'),
    });
    expect(await line.fail('snapshots', 'restore', 'one')).toMatchObject({ code: 2, error: 'WrongUsage' });
  });
});

describe('modelfn gc', () => {
  it('shows what it would free, and frees it with --yes', async () => {
    const line = await withTwoRevisions();
    const { id } = await line.json('snapshots', 'show', 'one');
    const objects = join(line.cwd, 'home', 'buckets', 'snapshots', String(id), 'objects');
    const stray = join(objects, 'f'.repeat(64));
    await writeFile(stray, 'left behind');
    await utimes(stray, OLD, OLD);
    await mkdir(join(line.cwd, 'home', 'cache', 'tmp'), { recursive: true });
    const before = await readdir(objects);

    const shown = await line.run('gc');
    expect(shown.stdout).toMatch(/WOULD FREE.*\n.* 1 +0 +0 +11 B/);
    expect(shown.stdout).toContain('modelfn gc --yes');
    expect(await readdir(objects)).toEqual(before);

    const freed = await line.json('gc', '--older-than', '2d', '--yes', '--project', 'demo');
    expect(freed).toMatchObject({
      free: true,
      buckets: [{ freed: { count: 1, sizeBytes: 11 }, problem: null }],
    });
    expect(await readdir(objects)).toHaveLength(before.length - 1);
    expect((await line.run('gc')).stdout).toMatch(/^1 bucket: nothing to free\.\nThis machine: /);
  });

  it('ends with 6 when a bucket could not be freed', async () => {
    const line = commandLine();
    const project = await line.json('projects', 'create', 'demo');
    const home = join(line.cwd, 'home');
    const localPath = join(line.cwd, 'elsewhere');
    const platform = await openPlatform(
      readConfig({ MODELFN_HOME: home, MODELFN_LOCAL_ROOTS: localPath, MODELFN_LOG_LEVEL: 'silent' }),
    );
    const projectId = String(project.id);
    const made = { name: 'm', projectId, entryPoint: 'modelfn/svm', className: 'SvmAdapter' };
    const { id: modelId } = await createModel(platform, LOCAL_ACTOR, made);
    const bucket = { type: 'local', localPath };
    await createSnapshot(platform, LOCAL_ACTOR, { name: 's', modelId, projectId, bucket });
    await platform.close();

    const shown = await line.run('gc');
    const freed = await line.run('gc', '--yes', '--json');

    expect(shown.code).toBe(0);
    expect(freed.code).toBe(6);
    expect(JSON.parse(freed.stdout)).toMatchObject({ buckets: [{ problem: { code: 'BucketNotAllowed' } }] });
  });

  it('ends with 6 when no bucket could be examined, because a stored snapshot cannot be read', async () => {
    const line = commandLine();
    const project = await line.json('projects', 'create', 'demo');
    const home = join(line.cwd, 'home');
    const platform = await openPlatform(readConfig({ MODELFN_HOME: home, MODELFN_LOG_LEVEL: 'silent' }));
    const projectId = String(project.id);
    const made = { name: 'm', projectId, entryPoint: 'modelfn/svm', className: 'SvmAdapter' };
    const { id: modelId } = await createModel(platform, LOCAL_ACTOR, made);
    const { id } = await createSnapshot(platform, LOCAL_ACTOR, { name: 's', modelId, projectId });
    rewriteDocument(platform, 'snapshots', id, cutOff);
    await platform.close();

    const freed = await line.run('gc', '--yes');

    expect(freed.code).toBe(6);
    expect(freed.stdout + freed.stderr).toContain(id);
  });

  it('refuses an age below an hour, and both --dry-run and --yes', async () => {
    const line = commandLine();

    expect(await line.fail('gc', '--older-than', '5m')).toMatchObject({ code: 2 });
    expect(await line.fail('gc', '--older-than', '0d')).toMatchObject({ code: 2 });
    expect(await line.fail('gc', '--dry-run', '--yes')).toMatchObject({ code: 2, error: 'WrongUsage' });
  });
});

async function withTwoRevisions(): Promise<CommandLine> {
  const line = commandLine();
  await line.json('projects', 'create', 'demo');
  await line.json('models', 'create', 'svm', '--project', 'demo', '--adapter', 'svm');
  await line.json('snapshots', 'create', 'one', '--model', 'svm');
  await writeFiles(line.cwd, { 'first/a.bin': 'one', 'second/a.bin': 'two', 'second/b.bin': 'three' });
  for (const directory of ['first', 'second']) {
    const saved: JsonObject = await line.json('save', 'one', '--directory', directory);
    expect(saved).toMatchObject({ status: 'trained' });
  }
  return line;
}
