import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import serverless from 'serverless-http';
import { LOCAL_ACTOR } from '../../auth/actor.ts';
import type { Execution } from '../../entities/execution.ts';
import { type ErrorBody, InvalidInput } from '../../errors.ts';
import { createJsonBody, toBodyError } from '../../http/json-body.ts';
import { SECURITY_HEADERS } from '../../http/security-headers.ts';
import type { JsonObject } from '../../json.ts';
import { maskedErrorBody, redactorOf } from '../../redact.ts';
import { deadlineOf } from '../deadline.ts';
import { dispatchOf } from '../dispatch/container-dispatch.ts';
import { executionToWire } from '../execution-wire.ts';
import { newExecution } from '../executions.ts';
import type { FunctionContext } from '../function-context.ts';
import type { FunctionSpec, InputSpecs } from '../function-spec.ts';
import type { Invocation, Outcome } from '../invocation.ts';
import { checkCall, invoke } from '../invoke.ts';
import type { Container } from '../run.ts';
import { originOf } from './request-origin.ts';
import { payloadOf, type ReadCall, readCall } from './task-payload.ts';

/** API Gateway refuses more than 10 MB before it comes here. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

interface Served<S extends InputSpecs> {
  container: Container;
  spec: FunctionSpec<S>;
  dispatch: NonNullable<FunctionContext['dispatch']>;
}

/**
 * Answers API Gateway v2 requests for one function. `POST` runs it: a canonical body is answered with
 * `{ executionId, function, status, output, durationMs }`, an execution of the platform with an execution. A background
 * function answers 202 with the execution to poll, or runs in place with `?wait=true`. `GET` tells what the function takes.
 */
export function createHttpCaller<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
): (event: JsonObject, context: FunctionContext) => Promise<unknown> {
  const contexts = new WeakMap<object, FunctionContext>();
  const app = createApp(container, spec, (request) => contexts.get(request) ?? {});
  return serverless(app, {
    binary: ['application/octet-stream', 'image/*'],
    request: (request: object, _event: unknown, context: FunctionContext) =>
      void contexts.set(request, context),
  });
}

function createApp<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  contextOf: (request: object) => FunctionContext,
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    response.set(SECURITY_HEADERS);
    next();
  });
  app.get(/.*/, (_request, response) => void response.json(describe(spec)));
  app.post(
    /.*/,
    createJsonBody(MAX_BODY_BYTES, () => true),
    run(container, spec, contextOf),
  );
  app.all(/.*/, (request, response) => {
    response.set('allow', 'GET, POST');
    sendError(response, {
      statusCode: 405,
      code: 'MethodNotAllowed',
      message: `${request.method} is not a way to call ${spec.name}. POST {"inputs": {...}} runs it, GET describes it.`,
      details: {},
    });
  });
  app.use(onError(container));
  return app;
}

function run<S extends InputSpecs>(
  container: Container,
  spec: FunctionSpec<S>,
  contextOf: (request: object) => FunctionContext,
): RequestHandler {
  return async (request, response) => {
    const context = contextOf(request);
    const deadline = deadlineOf(container.platform, context);
    const read = readCall(spec, request.body, { caller: 'http', actor: LOCAL_ACTOR, deadline });
    const wait = request.query.wait !== undefined && request.query.wait !== 'false';
    const dispatch = spec.mode === 'background' && !wait ? await dispatchOf(container, context) : undefined;
    if (dispatch) return accept({ container, spec, dispatch }, read, request, response);
    const outcome = await invoke(container, spec, read.call);
    response.set('x-execution-id', outcome.execution.id);
    if (outcome.yielded)
      return goOn({ container, spec, context }, read, outcome.execution, request, response);
    if (read.form === 'platform')
      return void response.json(executionToWire(outcome.execution, baseUrlOf(request)));
    if (outcome.output === undefined)
      return sendError(response, maskedErrorBody(outcome.error, redactorOf(container.platform.config)));
    response.json(finished(read.call.functionName, outcome));
  };
}

/** Checks the call, writes its execution, and has it run after the answer. The same id again is answered the same. */
async function accept<S extends InputSpecs>(
  { container, spec, dispatch }: Served<S>,
  read: ReadCall,
  request: Request,
  response: express.Response,
): Promise<void> {
  const checked = await checkCall(container, spec, read.call);
  const id = read.call.executionId ?? container.platform.ids.objectId();
  const call: Invocation = { ...checked, executionId: id };
  const known = await container.platform.store.get('Execution', id);
  const execution = known ?? newExecution(container.platform, id, call);
  if (!known) await container.platform.store.insert('Execution', [execution]);
  await dispatch(payloadOf(call));
  answerAccepted(call.functionName, read.form, execution, request, response);
}

/** The slice that the caller waited for is over, the run is not: the next ones run after the answer. */
async function goOn<S extends InputSpecs>(
  { container, spec, context }: Omit<Served<S>, 'dispatch'> & { context: FunctionContext },
  read: ReadCall,
  execution: Execution,
  request: Request,
  response: express.Response,
): Promise<void> {
  const dispatch = await dispatchOf(container, context);
  await dispatch?.(payloadOf({ ...read.call, executionId: execution.id }));
  answerAccepted(spec.name, read.form, execution, request, response);
}

function answerAccepted(
  functionName: string,
  form: ReadCall['form'],
  execution: Execution,
  request: Request,
  response: express.Response,
): void {
  const url = `${baseUrlOf(request)}/executions/${execution.id}`;
  response.status(202).set({ location: url, 'x-execution-id': execution.id });
  if (form === 'platform') response.json(executionToWire(execution, baseUrlOf(request)));
  else
    response.json({
      executionId: execution.id,
      function: functionName,
      status: execution.latestStatus.status,
      url,
    });
}

function finished(functionName: string, { execution, replayed, output }: Outcome): JsonObject {
  return {
    executionId: execution.id,
    function: functionName,
    status: execution.latestStatus.status,
    replayed,
    durationMs: execution.duration,
    output: output ?? null,
  };
}

function describe<S extends InputSpecs>(spec: FunctionSpec<S>): JsonObject {
  const { name, description, mode, inputs } = spec;
  return { function: name, description, mode, inputs: structuredClone(inputs) as unknown as JsonObject };
}

function baseUrlOf(request: Request): string {
  return `${originOf(request)}/api/v1`;
}

function onError(container: Container): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    const body = maskedErrorBody(inOurWords(error), redactorOf(container.platform.config));
    if (body.statusCode >= 500)
      container.platform.log.error('request failed', {
        code: body.code,
        reason: body.message,
        stack: error instanceof Error ? error.stack : undefined,
      });
    sendError(response, body);
  };
}

/** Reports a call that is not JSON as an invalid input, like a call of another form. */
function inOurWords(error: unknown): unknown {
  if ((error as { type?: unknown } | null)?.type !== 'entity.parse.failed') return toBodyError(error);
  const problem = 'it is not JSON; send {"inputs": {...}}';
  return new InvalidInput('body', [{ field: '', problem }], error);
}

function sendError(response: express.Response, body: ErrorBody): void {
  response.status(body.statusCode).json(body);
}
