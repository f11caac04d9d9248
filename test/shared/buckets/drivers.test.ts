import { bucketContract } from '../../contracts/bucket.contract.ts';
import { GIT_MISSING } from '../../support/git-program.ts';
import { bucketTypes, OPENERS } from './openers.ts';

for (const type of bucketTypes) {
  if (type === 'git' && GIT_MISSING !== undefined)
    console.log(`bucket contract: git is left out: ${GIT_MISSING}`);
  else bucketContract(type, OPENERS[type]);
}
