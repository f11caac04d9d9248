import type { Platform } from '../platform.ts';
import { Attempts, type RetryLimits } from './backoff.ts';
import { PatientBucket } from './patient-bucket.ts';
import { PatientContents } from './patient-contents.ts';

/** A platform whose contents and buckets are retried with backoff, and the contents by themselves. */
export function patientPlatform(
  platform: Platform,
  limits: RetryLimits,
): { platform: Platform; contents: PatientContents } {
  const contents = new PatientContents(platform.content, platform.backoff, limits);
  return { platform: { ...withPatientBuckets(platform, limits), content: contents }, contents };
}

/** A platform whose buckets are retried with backoff. */
export function withPatientBuckets(platform: Platform, limits: RetryLimits = {}): Platform {
  return {
    ...platform,
    openBucket: async (snapshot, spec) => {
      const attempts = new Attempts(`opening of a ${spec.type} bucket`, platform.backoff, limits);
      const bucket = await attempts.run(() => platform.openBucket(snapshot, spec));
      return new PatientBucket(bucket, platform.backoff, limits);
    },
  };
}
