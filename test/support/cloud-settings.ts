import type { CloudSettings } from '../../shared/config.ts';

/** Places on AWS that a relay under test works with. */
export const TEST_CLOUD: CloudSettings = {
  eventBus: 'modelfn-test',
  eventDeadLetters: 'https://sqs.eu-west-1.amazonaws.com/123456789012/letters',
  functions: 'arn:aws:lambda:eu-west-1:123456789012:function:modelfn-test-*',
  scheduleGroup: 'modelfn-test',
  scheduleRole: 'arn:aws:iam::123456789012:role/schedules',
  pipelines: 'arn:aws:states:eu-west-1:123456789012:stateMachine:modelfn-test-pipeline-*',
  pipelineRole: 'arn:aws:iam::123456789012:role/pipelines',
};
