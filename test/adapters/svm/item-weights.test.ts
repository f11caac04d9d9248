import { describe, expect, it } from 'vitest';
import type { LabelledSample } from '../../../adapters/model-adapter.ts';
import { itemWeight, type SvmSample } from '../../../adapters/svm/features.ts';
import { SvmAdapter } from '../../../adapters/svm/svm-adapter.ts';
import { createItemInput } from '../../../shared/inputs/item-input.ts';
import type { Json } from '../../../shared/json.ts';
import { item } from '../../shared/store/sample-entities.ts';
import { trainInSlices } from '../../support/train-in-slices.ts';
import { codeOf } from './problems.ts';

const weighted = (user: Json) => {
  const plain = item('weighted');
  return { ...plain, metadata: { ...plain.metadata, user } };
};

describe('the weight of an item', () => {
  it('is the number by its name, and 1 where there is none', () => {
    expect(itemWeight(weighted({ trust: 2.5 }), 'trust')).toBe(2.5);
    expect(itemWeight(weighted({ trust: 2.5 }), 'toString')).toBe(1);
    expect(itemWeight(item('plain'), 'trust')).toBe(1);
  });

  it.each([0, -1, '2', null, 1e300])('is refused when it is %j', (trust) => {
    expect(codeOf(() => itemWeight(weighted({ trust }), 'trust'))).toBe('SvmSamplesInvalid');
  });

  it('changes what is learned when the configuration names it, and a name that no item has is refused', async () => {
    const points = [0, 1, 2, 3, 2.5, 4, 5, 6];
    const samples = points.map((x, index): LabelledSample<SvmSample> => {
      const input = createItemInput(weighted({ trust: index === 4 ? 9 : 1 }), () =>
        Promise.reject(new Error('unread')),
      );
      const sample = { values: Float64Array.of(x), space: { kind: 'vector' as const, dims: 1 } };
      return { input, annotations: [], label: index < 4 ? 'low' : 'high', sample };
    });
    const train = async (configuration: Record<string, Json>) => {
      const setup = {
        labels: ['low', 'high'],
        configuration: { kernel: 'linear', C: 0.1, ...configuration },
      };
      const { weights } = await trainInSlices({ adapterClass: SvmAdapter, setup, samples }, () => undefined);
      return weights['model.svm'];
    };

    const plain = await train({});

    expect(await train({ itemWeights: 'trust' })).not.toBe(plain);
    await expect(train({ itemWeights: 'turst' })).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(
        'itemWeights: no item of the training has metadata.user.turst; the nearest is trust',
      ),
    });
  });
});
