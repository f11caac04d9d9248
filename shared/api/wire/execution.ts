/** An execution looks the same whoever answers: the API, or the function that ran it. */
export { executionToWire } from '../../invoke/execution-wire.ts';
