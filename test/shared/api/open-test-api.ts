import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../../shared/api/app.ts';
import type { ApiContext } from '../../../shared/api/context.ts';
import type { Actor } from '../../../shared/auth/actor.ts';
import type { JsonObject } from '../../../shared/json.ts';
import type { Platform } from '../../../shared/platform.ts';
import { openWorkspace, type Workspace } from '../../support/workspace.ts';

/** The fields of answers that tests look at by name; an answer has those of its own kind. */
export interface AnswerBody {
  id: string;
  url: string;
  code: string;
  message: string;
  global: boolean;
  active: boolean;
  configuration: JsonObject;
  latestStatus: { status: string };
  items: JsonObject[];
  totalItemsCount: number;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** The app on a port of its own, over a real workspace. */
export interface TestApi extends Workspace {
  baseUrl: string;
  /** Sends JSON; `body` undefined sends none. */
  call<Body = AnswerBody>(method: string, path: string, body?: unknown): Promise<Answer<Body>>;
  /** The same as somebody else. */
  as(actor: Actor): void;
  close(): Promise<void>;
}

export async function openTestApi(
  override: (platform: Platform) => Platform = (same) => same,
): Promise<TestApi> {
  const workspace = await openWorkspace();
  let { actor } = workspace;
  const context: ApiContext = {
    platform: override(workspace.platform),
    actorOf: () => actor,
    baseUrlOf: (request) => `http://${request.get('host')}/api/v1`,
  };
  const server = createServer(createApp(context));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  return {
    ...workspace,
    baseUrl,
    as: (other) => {
      actor = other;
    },
    call: async <Body>(method: string, path: string, body?: unknown) => {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await workspace.platform.close();
    },
  };
}
