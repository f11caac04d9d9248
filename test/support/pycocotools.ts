import { execFileSync } from 'node:child_process';

/** A Python with pycocotools: `TEST_PYCOCOTOOLS`, or `python3`; `undefined` when that one has it not. */
export function pythonWithCoco(): string | undefined {
  const python = process.env.TEST_PYCOCOTOOLS ?? 'python3';
  try {
    execFileSync(python, ['-c', 'import pycocotools.cocoeval'], { stdio: 'ignore' });
    return python;
  } catch {
    return undefined;
  }
}

/** COCOeval's twelve numbers. `iouType` is `bbox` or `segm`. */
export function cocoStats(python: string, truth: object, results: object, iouType: string): number[] {
  const input = JSON.stringify({ truth, results, iouType });
  return JSON.parse(execFileSync(python, ['-c', SCRIPT], { input, encoding: 'utf8' })) as number[];
}

const SCRIPT = `
import json, sys, io, contextlib
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
given = json.load(sys.stdin)
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO()
    truth.dataset = given["truth"]
    truth.createIndex()
    run = COCOeval(truth, truth.loadRes(given["results"]), given["iouType"])
    run.evaluate()
    run.accumulate()
    run.summarize()
json.dump([float(x) for x in run.stats], sys.stdout)
`;
