import { describe, expect, it } from 'vitest';
import { readPredictions } from '../../../adapters/python/read-predictions.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { ENDLESS, loadedFrom, moduleWith, pythonCode, pythonProblem, sample } from './hosted-python.ts';

/** What NumPy's arrays have of that is asked for, without NumPy. */
const ARRAYS = `
import struct
class Type:
    def __init__(self, str): self.str = str
    def newbyteorder(self, order): return Type(self.str.replace(">", order))
class Array:
    def __init__(self, code, shape, values):
        self.dtype, self.shape, self.values = Type(code), shape, values
    def astype(self, code, copy): return Array(code, self.shape, self.values)
    def tobytes(self): return struct.pack(self.dtype.str[0].replace("|", "<") + {"f4": "f", "f8": "d", "i1": "b", "u2": "H", "i8": "q"}[self.dtype.str[1:]] * len(self.values), *self.values)
class Tensor:
    def __init__(self, array): self.array = array
    def detach(self): return self
    def cpu(self): return self
    def numpy(self): return self.array
def told(tensor): return [{"label": "low", "type": "tensor", "confidence": 1, "tensor": tensor}]
`;

const predicting = (expression: string) =>
  pythonCode({ 'model.py': moduleWith(`${ARRAYS}\ndef predict(batch): return ${expression}`) });

describeUnless(pythonProblem, 'a tensor that Python predicts', () => {
  it('comes as elements of its own type, whatever lies before it, and becomes that of the prediction', async () => {
    const adapter = await loadedFrom(
      predicting(
        '[told(Array("|i1", (3,), [-1, 0, 1])), told(Tensor(Array(">f8", (1, 2), [0.5, -2]))), told(Array("<u2", (), [65535]))]',
      ),
    );

    const answers = await adapter.predict([sample('{}'), sample('{}'), sample('{}')], ENDLESS);

    expect(answers.map(([first]) => first!.tensor)).toEqual([
      { dims: [3], data: Int8Array.of(-1, 0, 1) },
      { dims: [1, 2], data: Float64Array.of(0.5, -2) },
      { dims: [], data: Uint16Array.of(65535) },
    ]);
    expect(answers[0]![0]).toMatchObject({ type: 'tensor', label: 'low', confidence: 1 });
  });

  it.each([
    ['a list', '[1, 2]', 'predict gave a tensor of list; give an array of NumPy'],
    ['whole numbers of 64 bits', 'Array("<i8", (1,), [1])', 'cast it'],
  ])('is refused for %s', async (_what, tensor, problem) => {
    const adapter = await loadedFrom(predicting(`[told(${tensor})]`));

    await expect(async () => adapter.predict([sample('{}')], ENDLESS)).rejects.toMatchObject({
      code: 'PythonRaised',
      message: expect.stringContaining(problem),
    });
  });
});

describe('an answer with tensors', () => {
  const answer = (tensor: { dims: number[]; type: string; from: number; to: number }) => [
    [{ type: 'tensor', label: 'low', confidence: 1, tensor }],
  ];
  const bytes = Uint8Array.of(0, 0, 128, 63, 9);

  it('does not reach beyond its bytes', () => {
    const [[told] = []] = readPredictions(
      answer({ dims: [1], type: 'f4', from: 0, to: 900 }),
      bytes,
      'model.py',
    );

    expect(told!.tensor!.data).toEqual(Float32Array.of(1));
  });

  it.each([
    ['another type', { dims: [1], type: 'O', from: 0, to: 4 }],
    ['places that are no places', { dims: [1], type: 'f4', from: -4, to: 4 }],
    ['sizes that are no sizes', { dims: [0.5], type: 'f4', from: 0, to: 4 }],
  ])('is refused for %s', (_what, tensor) => {
    expect(() => readPredictions(answer(tensor), bytes, 'model.py')).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    );
  });
});
