import type { Command } from '../../catalog/command.ts';
import type { JsonObject } from '../../json.ts';
import { linkTo } from './links.ts';

/** A command as the client polls it (docs/WIRE.md, Commands). */
export function commandToWire(command: Command, baseUrl: string): JsonObject {
  return { ...command, url: linkTo(baseUrl, 'commands', command.id) };
}
