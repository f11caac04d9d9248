import type { Command } from '../../../shared/catalog/command.ts';
import type { JsonObject } from '../../../shared/json.ts';
import { linkTo } from './links.ts';

/** A command as the client polls it (contract section 2.8). */
export function commandToWire(command: Command, baseUrl: string): JsonObject {
  return { ...command, url: linkTo(baseUrl, 'commands', command.id) };
}
