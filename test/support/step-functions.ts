import type { Machine } from '../../shared/asl/machine.ts';
import { type MachineResult, type MachineRun, runMachine } from '../../shared/asl/run-machine.ts';
import type { Json } from '../../shared/json.ts';
import { actionOf, type SentRequest, type ServiceAnswer, takesEvents } from './aws-services.ts';

type Body = Record<string, string>;

/** Step Functions as far as the relay uses it. Machines run to their end when `run` is called; waits pass at once. */
export class FakeStepFunctions {
  /** ARN -> what it was made with. */
  readonly machines = new Map<string, Body>();
  /** ARN -> execution. */
  readonly executions = new Map<
    string,
    { machine: string; name: string; input: Json; result?: MachineResult }
  >();
  readonly #runTask: MachineRun['runTask'];

  constructor(runTask: MachineRun['runTask']) {
    this.#runTask = runTask;
  }

  readonly respond = (request: SentRequest): ServiceAnswer | undefined => {
    const action = actionOf(request).split('AWSStepFunctions.')[1];
    if (action === undefined) return takesEvents(request);
    const body = JSON.parse(request.body) as Body;
    if (action === 'CreateStateMachine') return this.#create(body);
    if (action === 'StartExecution') return this.#start(body);
    return this.#describe(body.executionArn!);
  };

  /** Runs what was begun. */
  async run(): Promise<void> {
    for (const [arn, execution] of this.executions)
      execution.result ??= await runMachine({
        machine: JSON.parse(this.machines.get(execution.machine)!.definition!) as Machine,
        input: execution.input,
        execution: { id: arn, name: execution.name, startTime: '2026-01-31T12:00:00Z' },
        runTask: this.#runTask,
        wait: () => Promise.resolve(),
        now: Date.now,
      });
  }

  #create(body: Body): ServiceAnswer {
    const arn = `arn:aws:states:eu-west-1:123456789012:stateMachine:${body.name}`;
    const known = this.machines.get(arn);
    if (known && JSON.stringify(known) !== JSON.stringify(body)) return refused('StateMachineAlreadyExists');
    this.machines.set(arn, body);
    return { status: 200, body: JSON.stringify({ stateMachineArn: arn }) };
  }

  #start({ stateMachineArn, name, input }: Body): ServiceAnswer {
    if (!this.machines.has(stateMachineArn!)) return refused('StateMachineDoesNotExist');
    const arn = `${stateMachineArn!.replace(':stateMachine:', ':execution:')}:${name}`;
    if (this.executions.has(arn)) return refused('ExecutionAlreadyExists');
    this.executions.set(arn, { machine: stateMachineArn!, name: name!, input: JSON.parse(input!) as Json });
    return { status: 200, body: JSON.stringify({ executionArn: arn }) };
  }

  #describe(arn: string): ServiceAnswer {
    const execution = this.executions.get(arn);
    if (execution === undefined) return refused('ExecutionDoesNotExist');
    const { result } = execution;
    const answer =
      result === undefined
        ? { status: 'RUNNING' }
        : result.status === 'SUCCEEDED'
          ? { status: 'SUCCEEDED', output: JSON.stringify(result.output) }
          : { status: 'FAILED', error: result.error, cause: result.cause };
    return { status: 200, body: JSON.stringify(answer) };
  }
}

function refused(type: string): ServiceAnswer {
  return { status: 400, body: JSON.stringify({ __type: type }) };
}
