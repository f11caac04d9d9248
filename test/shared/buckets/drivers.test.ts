import { bucketContract } from '../../contracts/bucket.contract.ts';
import { bucketTypes, OPENERS } from './openers.ts';

for (const type of bucketTypes) bucketContract(type, OPENERS[type]);
