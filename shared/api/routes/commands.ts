import { Router } from 'express';
import { ModelfnError } from '../../errors.ts';

/** A command that is asked for again: ours end before they are answered, so none is kept. */
export class CommandNotFound extends ModelfnError {
  override readonly name = 'CommandNotFound';
  readonly code = 'CommandNotFound';
  readonly statusCode = 404;
  constructor(id: string) {
    super(
      `No command ${JSON.stringify(id.slice(0, 128))}: commands end before they are answered and are not kept. Read its result from the answer that brought it.`,
      { details: { id: id.slice(0, 128) } },
    );
  }
}

/** docs/WIRE.md, Commands. A client polls a command only while it goes on; ours never does. */
export function commandRoutes(): Router {
  const router = Router();

  router.get('/commands', (_request, response) => {
    response.json([]);
  });

  router.get('/commands/:id', (request) => {
    throw new CommandNotFound(request.params.id);
  });

  router.post('/commands/:id/abort', (request) => {
    throw new CommandNotFound(request.params.id);
  });

  return router;
}
