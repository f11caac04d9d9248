/** Id of the execution that is killed, and taken up again. */
export const DYING_RUN = 'dying-run';
