import type { Bot } from '../../entities/project.ts';
import type { JsonObject } from '../../json.ts';

/** A bot in the keys of a user, which is what the client takes it for. */
export function botToWire({ id, name, createdAt }: Bot): JsonObject {
  return {
    id,
    name,
    lastName: '',
    username: name,
    email: `${id}@bot.modelfn`,
    avatar: null,
    role: 'engineer',
    type: 'bot',
    org: null,
    createdAt,
    updatedAt: createdAt,
  };
}
