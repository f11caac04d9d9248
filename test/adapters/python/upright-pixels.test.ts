import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { describeUnless } from '../../support/describe-unless.ts';

const HOST = join(import.meta.dirname, '../../../adapters/python/host');
const PYTHON = pythonWithPillow();

describeUnless(
  PYTHON ? undefined : 'TEST_PILLOW, or python3, is no Python with Pillow and NumPy',
  'images that predict_items of the SDK is called with',
  () => {
    it.each(['jpeg', 'png', 'webp', 'tiff'] as const)('are upright where EXIF turns a %s', async (format) => {
      const files = await Promise.all(
        [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) =>
          picture().removeAlpha().withMetadata({ orientation })[format]().toBuffer(),
        ),
      );

      expect(readPixels(files)).toEqual(await Promise.all(files.map(uprightPixels)));
    });
  },
);

interface Corners {
  width: number;
  height: number;
  /** Whether each corner is bright: upper left, upper right, lower left, lower right. */
  corners: boolean[];
}

/** Black, with a white square in the upper left corner. */
function picture() {
  const white = { create: { width: 16, height: 16, channels: 3, background: '#fff' } } as const;
  return sharp({ create: { width: 48, height: 32, channels: 3, background: '#000' } }).composite([
    { input: white, left: 0, top: 0 },
  ]);
}

async function uprightPixels(bytes: Uint8Array): Promise<Corners> {
  const { data, info } = await sharp(bytes).rotate().greyscale().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const places = [0, width - 1, width * (height - 1), width * height - 1];
  return { width, height, corners: places.map((at) => data[at * info.channels]! > 127) };
}

/** A Python with Pillow and NumPy: `TEST_PILLOW`, or `python3`; `undefined` when that one has them not. */
function pythonWithPillow(): string | undefined {
  const python = process.env.TEST_PILLOW ?? 'python3';
  try {
    execFileSync(python, ['-c', 'import PIL, numpy'], { stdio: 'ignore' });
    return python;
  } catch {
    return undefined;
  }
}

function readPixels(files: readonly Uint8Array[]): Corners[] {
  const input = JSON.stringify(files.map((bytes) => Buffer.from(bytes).toString('base64')));
  return JSON.parse(execFileSync(PYTHON!, ['-c', SCRIPT, HOST], { input, encoding: 'utf8' })) as Corners[];
}

const SCRIPT = `
import base64, json, sys
sys.path.insert(0, sys.argv[1])
from modelfn_dataloop import pixels_of
class Item:
    def __init__(self, text):
        self.text = text
    def bytes(self):
        return base64.b64decode(self.text)
answers = []
for text in json.load(sys.stdin):
    pixels = pixels_of(Item(text))
    height, width = pixels.shape[:2]
    corners = [bool(pixels[y, x].max() > 127) for y in (0, height - 1) for x in (0, width - 1)]
    answers.append({"width": width, "height": height, "corners": corners})
print(json.dumps(answers))
`;
