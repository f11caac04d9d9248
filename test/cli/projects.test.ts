import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../shared/json.ts';
import { commandLine } from './command-line.ts';

describe('modelfn projects', () => {
  it('shows a created project by id and by name, for people and for programs', async () => {
    const line = commandLine();
    const { id } = await line.json('projects', 'create', 'demo');

    const byId = await line.json('projects', 'show', String(id));
    const byName = await line.json('projects', 'show', 'demo');
    const list = await line.json<JsonObject[]>('projects', 'list');
    const people = await line.run('projects', 'list');

    expect(byId).toEqual(byName);
    expect(list).toMatchObject([{ id, name: 'demo' }]);
    expect(people.stdout).toMatch(/^NAME +ID +CREATED\ndemo +/);
  });

  it('ends with 4 when the name is taken', async () => {
    const line = commandLine();
    await line.json('projects', 'create', 'demo');

    expect(await line.fail('projects', 'create', 'demo')).toMatchObject({ code: 4, error: 'Conflict' });
  });

  it('ends with 5 for a name that cannot be one', async () => {
    expect(await commandLine().fail('projects', 'create', 'a/b')).toMatchObject({
      code: 5,
      error: 'InvalidInput',
    });
  });

  it('ends with 3 for an unknown project, and tells the names there are and the nearest', async () => {
    const line = commandLine();
    await line.json('projects', 'create', 'demo');

    const { code, error, message } = await line.fail('projects', 'show', 'dmeo');

    expect({ code, error }).toEqual({ code: 3, error: 'EntityNotFound' });
    expect(message).toContain('It has: demo.');
    expect(message).toContain('The nearest is demo.');
  });

  it('deletes only with --yes where there is nobody to ask', async () => {
    const line = commandLine();
    await line.json('projects', 'create', 'demo');

    expect(await line.fail('projects', 'delete', 'demo')).toMatchObject({ code: 2, error: 'WrongUsage' });
    expect(await line.json<JsonObject[]>('projects', 'list')).toHaveLength(1);
    expect(await line.json('projects', 'delete', 'demo', '--yes')).toMatchObject({ deleted: true });
    expect(await line.json<JsonObject[]>('projects', 'list')).toEqual([]);
  });

  it('asks a person, and keeps the project unless the answer is yes', async () => {
    const answers = ['n', 'y'];
    const questions: string[] = [];
    const line = commandLine({
      ask: async (question) => {
        questions.push(question);
        return answers.shift()!;
      },
    });
    await line.json('projects', 'create', 'demo');

    const refused = await line.run('projects', 'delete', 'demo');
    const agreed = await line.run('projects', 'delete', 'demo');

    expect(questions[0]).toContain('delete project demo');
    expect(refused.code).toBe(130);
    expect(agreed).toMatchObject({ code: 0, stdout: 'Deleted project demo.\n' });
  });
});
