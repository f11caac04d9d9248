import { type Request, type Response, Router } from 'express';
import * as z from 'zod/mini';
import { makeDir } from '../../catalog/folders.ts';
import { cloneItem } from '../../catalog/item-clone.ts';
import { uploadItem } from '../../catalog/item-upload.ts';
import { deleteItem, getItem, moveItems, readItem, updateItem } from '../../catalog/items.ts';
import { InvalidInput } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { parse } from '../../parse.ts';
import { formBody, jsonBody } from '../body.ts';
import type { ApiContext } from '../context.ts';
import { type FilePart, receiveFilePart } from '../multipart.ts';
import { flagParameter, textParameter } from '../query-parameters.ts';
import { sendFile } from '../send-file.ts';
import { commandToWire } from '../wire/command.ts';
import { itemToWire } from '../wire/item.ts';

const makeDirSchema = z.object({ type: z.literal('dir'), path: z.string() });
const modeSchema = z._default(z.enum(['skip', 'overwrite']), 'skip');

/** docs/WIRE.md, Items. */
export function itemRoutes(api: ApiContext): Router {
  const { platform, actorOf, baseUrlOf } = api;
  const router = Router();

  const sendUpload = async (request: Request, response: Response, datasetId: string): Promise<void> => {
    const mode = parse(modeSchema, textParameter(request, 'mode'), 'query parameter mode');
    const { item, op } = await receiveFilePart(request, (part) =>
      uploadItem(platform, actorOf(request), {
        datasetId,
        path: pathOf(part),
        source: part.bytes,
        mode,
        metadata: metadataOf(part),
        mimetype: part.mimetype,
      }),
    );
    response.set('x-item-op', op).json(itemToWire(item, baseUrlOf(request)));
  };

  router.post('/datasets/:datasetId/items', formBody, jsonBody, async (request, response) => {
    const { datasetId } = request.params;
    if (request.is('multipart/form-data')) return sendUpload(request, response, datasetId);
    const { path } = parse(makeDirSchema, request.body, 'new folder');
    const folder = await makeDir(platform, actorOf(request), datasetId, path);
    response.json(itemToWire(folder, baseUrlOf(request)));
  });

  router.put('/datasets/:datasetId/items/:folderId', jsonBody, async (request, response) => {
    const { datasetId, folderId } = request.params;
    const moved = await moveItems(platform, actorOf(request), datasetId, folderId, request.body);
    response.json(moved.map((item) => itemToWire(item, baseUrlOf(request))));
  });

  router.get('/items/:id', async (request, response) => {
    const item = await getItem(platform, actorOf(request), request.params.id);
    response.json(itemToWire(item, baseUrlOf(request)));
  });

  router.get('/items/:id/stream', async (request, response) => {
    await sendFile(request, response, await readItem(platform, actorOf(request), request.params.id));
  });

  router.patch('/items/:id', jsonBody, async (request, response) => {
    const item = await updateItem(platform, actorOf(request), request.params.id, request.body, {
      system: flagParameter(request, 'system'),
    });
    response.json(itemToWire(item, baseUrlOf(request)));
  });

  router.delete('/items/:id', async (request, response) => {
    await deleteItem(platform, actorOf(request), request.params.id);
    response.json({ id: request.params.id });
  });

  router.post('/items/:id/clone', jsonBody, async (request, response) => {
    const command = await cloneItem(platform, actorOf(request), request.params.id, request.body);
    response.json(commandToWire(command, baseUrlOf(request)));
  });

  return router;
}

/** The parts come in the order type, path, metadata, file: what is needed is known when the bytes begin. */
function pathOf({ fields }: FilePart): string {
  const path = fields.get('path');
  if (path !== undefined) return path;
  throw new InvalidInput('upload', [
    { field: 'path', problem: 'the part is missing, or comes after the file' },
  ]);
}

function metadataOf({ fields }: FilePart): JsonObject | undefined {
  const text = fields.get('metadata');
  if (text === undefined || text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidInput('upload', [{ field: 'metadata', problem: 'is not JSON' }], error);
  }
  if (value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw new InvalidInput('upload', [{ field: 'metadata', problem: 'is not a JSON object' }]);
}
