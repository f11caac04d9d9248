import * as z from 'zod/mini';
import type { Actor } from '../auth/actor.ts';
import { isoTime } from '../clock.ts';
import { nameSchema } from '../entities/fields.ts';
import type { Bot } from '../entities/project.ts';
import { parse } from '../parse.ts';
import type { Platform } from '../platform.ts';
import { EntityNotFound } from '../store/errors.ts';
import { projectFor } from './access.ts';

/** @throws EntityNotFound */
export async function listBots(platform: Platform, actor: Actor, projectId: string): Promise<Bot[]> {
  return (await projectFor(platform.store, actor, projectId)).bots ?? [];
}

/** @throws EntityNotFound */
export async function getBot(platform: Platform, actor: Actor, projectId: string, id: string): Promise<Bot> {
  const bot = (await listBots(platform, actor, projectId)).find((each) => each.id === id);
  if (bot) return bot;
  throw new EntityNotFound({ kind: 'Project', reference: JSON.stringify(id.slice(0, 128)), field: 'bot' });
}

/** A bot is a name and nothing more: it has no credentials. The same name again is the same bot. @throws EntityNotFound */
export async function createBot(
  platform: Platform,
  actor: Actor,
  projectId: string,
  input: unknown,
): Promise<Bot> {
  const { name } = parse(z.object({ name: nameSchema }), input, 'bot');
  return platform.store.transaction(async (store) => {
    const { bots = [] } = await projectFor(store, actor, projectId);
    const known = bots.find((bot) => bot.name === name);
    if (known) return known;
    const bot: Bot = { id: platform.ids.objectId(), name, createdAt: isoTime(platform.clock) };
    await store.update('Project', projectId, (now) => ({ ...now, bots: [...(now.bots ?? []), bot] }));
    return bot;
  });
}

/** @throws EntityNotFound */
export async function deleteBot(
  platform: Platform,
  actor: Actor,
  projectId: string,
  id: string,
): Promise<void> {
  await getBot(platform, actor, projectId, id);
  await platform.store.update('Project', projectId, (now) => ({
    ...now,
    bots: (now.bots ?? []).filter((bot) => bot.id !== id),
  }));
}
