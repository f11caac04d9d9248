import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostPython } from '../../../adapters/python/python-adapter.ts';
import { readConfig } from '../../../shared/config.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import {
  ENDLESS,
  hosted,
  loadedFrom,
  moduleWith,
  pythonCode,
  pythonProblem,
  sample,
} from './hosted-python.ts';

/** Answers with what an expression gives, as a label. */
const telling = (expression: string, lines = '') =>
  pythonCode({
    'model.py': moduleWith(
      `import os, sys, json\n${lines}\ndef predict(batch): return [[{"label": str(${expression}), "confidence": 1}] for item in batch]`,
    ),
  });

const answerOf = async (python: ReturnType<typeof pythonCode>, content = '{}') => {
  const adapter = await loadedFrom(python);
  const answers = await adapter.predict([sample(content)], ENDLESS);
  return answers[0]![0]!.label;
};

describeUnless(pythonProblem, 'the process of a Python adapter', () => {
  it('gets no variable but those it needs', async () => {
    const secrets = {
      MODELFN_SECRET_GIT_TOKEN: 'planted-1',
      AWS_SECRET_ACCESS_KEY: 'planted-2',
      GOOGLE_APPLICATION_CREDENTIALS: 'planted-3',
      PIP_INDEX_URL: 'https://user:planted-4@packages.example/simple',
      HTTPS_PROXY: 'http://user:planted-5@proxy.example',
    };
    const { python } = readConfig({ ...process.env, ...secrets });

    const said = await answerOf({
      ...telling('json.dumps(dict(os.environ))'),
      code: { ...telling('json.dumps(dict(os.environ))').code, python },
    });

    const names = Object.keys(JSON.parse(said) as Record<string, string>).filter(
      (name) => !/^(LC_CTYPE|TZ|LD_LIBRARY_PATH|CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES)$/.test(name),
    );
    expect(said).not.toContain('planted');
    expect(names.sort()).toEqual(
      [
        ...['HOME', 'LANG', 'MKL_NUM_THREADS', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'PATH'],
        ...['PYTHONDONTWRITEBYTECODE', 'PYTHONFAULTHANDLER', 'PYTHONHASHSEED', 'PYTHONIOENCODING'],
        ...['PYTHONNOUSERSITE', 'PYTHONUNBUFFERED', 'TMPDIR', 'XDG_CACHE_HOME'],
      ].sort(),
    );
    expect(said).not.toContain(`"HOME": "${process.env.HOME}"`);
  });

  it('prints megabytes on both outputs, and its answer is what it was', async () => {
    const python = telling(
      'item.text()',
      'for _ in range(20000):\n  print("x" * 200)\nprint("y" * 3000000, file=sys.stderr)\nos.write(1, b"\\x00\\xff" * 100000)',
    );

    expect(await answerOf(python, 'hello')).toBe('hello');
    expect(python.printed[0]).toBe('x'.repeat(200));
    // Some come after the first 2,000, with time.
    expect(python.printed.length).toBeLessThan(10_000);
    expect(Math.max(...python.printed.map((line) => line.length))).toBeLessThanOrEqual(2000);
  });

  it('may write to descriptor 3 in a fork, and the line is not touched', async () => {
    const python = telling(
      'forked() and item.text()',
      `
def forked():
    pid = os.fork()
    if pid == 0:
        try: os.write(3, b"garbage" * 100)
        except OSError: pass
        os._exit(0)
    os.waitpid(pid, 0)
    return True
`,
    );

    expect(await answerOf(python, 'hello')).toBe('hello');
  });

  it('is dead once it closes its line, and the error contains the end of its traceback', async () => {
    const python = telling('os.closerange(3, 64)');

    // Which error it is depends on what has the descriptor's number by then.
    await expect(answerOf(python)).rejects.toMatchObject({
      code: 'PythonDied',
      details: {
        how: 'ended with code 1',
        lastWords: expect.stringContaining('Error'),
      },
    });
  });

  it('is dead once it writes garbage to its line', async () => {
    const python = telling('os.write(3, b"\\xff" * 64)');

    await expect(answerOf(python)).rejects.toMatchObject({
      code: 'PythonDied',
      details: { how: expect.stringContaining('broke the protocol') },
    });
  });

  it('tells its last words when it ends in a prediction, after one more try', async () => {
    const marks = temporaryFolder();
    const python = telling(
      'die()',
      `
def die():
    open(os.path.join(${JSON.stringify(marks)}, str(os.getpid())), "w").close()
    sys.stderr.write("cannot allocate tensor\\n")
    sys.stderr.flush()
    os._exit(3)
`,
    );

    await expect(answerOf(python)).rejects.toMatchObject({
      code: 'PythonDied',
      statusCode: 503,
      details: { how: 'ended with code 3', lastWords: 'cannot allocate tensor' },
    });
    expect(readdirSync(marks)).toHaveLength(2);
  });

  it('is replaced by one with the same weights when it is killed in a prediction', async () => {
    const marks = temporaryFolder();
    const python = telling(
      'once() or loads',
      `
loads = 0
def load(directory, configuration, labels):
    global loads
    loads += 1
def once():
    mark = os.path.join(${JSON.stringify(marks)}, "killed")
    if not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), 9)
`,
    );

    expect(await answerOf(python)).toBe('1');
    expect(existsSync(join(marks, 'killed'))).toBe(true);
  });

  it('that hangs while it loads again does not hold up a run that is to stop', async () => {
    const marks = temporaryFolder();
    const python = telling(
      'die()',
      `
import time
mark = os.path.join(${JSON.stringify(marks)}, "died")
def load(directory, configuration, labels):
    if os.path.exists(mark):
        print("loading again")
        time.sleep(600)
def die():
    open(mark, "w").close()
    os._exit(1)
`,
    );
    const adapter = await loadedFrom(python);
    const controller = new AbortController();
    const reason = new Error('the deadline');
    const predicting = Promise.resolve(adapter.predict([sample('{}')], controller));
    predicting.catch(() => undefined);

    await python.whenPrinted('loading again');
    controller.abort(reason);

    await expect(predicting).rejects.toBe(reason);
  });

  it('that is killed in a training fails it with its last words', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'import os, sys\ndef train(data, context):\n  print("epoch 7", file=sys.stderr)\n  os.kill(os.getpid(), 9)',
      ),
    });
    const adapter = await hosted(python);

    await expect(adapter.train(noData(), trainContext())).rejects.toMatchObject({
      code: 'PythonDied',
      retryable: true,
      details: { how: 'was killed by SIGKILL', lastWords: 'epoch 7' },
    });
  });

  it('that listens to nobody is killed when the run is to stop', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'import signal, time\ndef train(data, context):\n  signal.signal(signal.SIGTERM, signal.SIG_IGN)\n  print("deaf")\n  while True: time.sleep(60)',
      ),
    });
    const adapter = await hosted(python);
    const controller = new AbortController();
    const reason = new Error('the deadline');
    const training = adapter.train(noData(), trainContext(controller.signal));
    training.catch(() => undefined);

    await python.whenPrinted('deaf');
    controller.abort(reason);

    await expect(training).rejects.toBe(reason);
  }, 20_000);

  it('that asks whether it is cancelled ends by itself', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'import time\ndef train(data, context):\n  print("began")\n  while not context.cancelled: time.sleep(0.01)\n  print("cleaned up")\n  context.throw_if_cancelled()',
      ),
    });
    const adapter = await hosted(python);
    const controller = new AbortController();
    const training = adapter.train(noData(), trainContext(controller.signal));
    training.catch(() => undefined);

    await python.whenPrinted('began');
    controller.abort(new Error('stop'));

    await expect(training).rejects.toThrow('stop');
    await python.whenPrinted('cleaned up');
  });

  it('above its memory is replaced between two requests', async () => {
    const source = moduleWith(
      'import os\ndef predict(batch): return [[{"label": str(os.getpid()), "confidence": 1}] for _ in batch]',
    );
    const pids = async (memoryBytes: number | undefined) => {
      const adapter = await loadedFrom(pythonCode({ 'model.py': source }, { settings: { memoryBytes } }));
      const labels = [];
      for (let call = 0; call < 3; call += 1)
        labels.push((await adapter.predict([sample('{}')], ENDLESS))[0]![0]!.label);
      return new Set(labels).size;
    };

    expect(await pids(1)).toBe(3);
    expect(await pids(undefined)).toBe(1);
  });

  it('ends with unload, and so does what it forked', async () => {
    const python = telling(
      'fork()',
      `
import time
def fork():
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
    return "%d %d" % (os.getpid(), pid)
`,
    );
    const adapter = await loadedFrom(python);
    const { label } = (await adapter.predict([sample('{}')], ENDLESS))[0]![0]!;

    await adapter.unload?.();

    for (const pid of label.split(' ').map(Number)) await expect.poll(() => isRunning(pid)).toBe(false);
    await expect(async () => adapter.predict([sample('{}')], ENDLESS)).rejects.toMatchObject({
      code: 'PythonNotReady',
    });
  });

  it('gets large items as files and small ones over the line, in order', async () => {
    const python = telling('[item.path.endswith(".bin"), len(item.bytes()), item.bytes()[:1].decode()]');
    const adapter = await loadedFrom(python);
    const items = [new Uint8Array(10).fill(97), new Uint8Array(3_000_000).fill(98), new Uint8Array(0)];

    const answers = await adapter.predict(
      items.map((bytes) => sample(bytes, '/a/x.bin')),
      ENDLESS,
    );

    expect(answers.map(([first]) => first!.label)).toEqual([
      "[True, 10, 'a']",
      "[True, 3000000, 'b']",
      "[True, 0, '']",
    ]);
  });

  it('says what was raised and where, without the folders of the machine', async () => {
    const python = telling('item.missing');

    await expect(answerOf(python)).rejects.toMatchObject({
      code: 'PythonRaised',
      message: expect.stringMatching(/^predict\(\) of model\.py raised AttributeError: .*\(model\.py:\d+\)/),
    });
    await expect(answerOf(python)).rejects.not.toThrow(python.code.directory);
  });

  it('takes numbers of libraries, and passes on NaN as NaN', async () => {
    const python = pythonCode({
      'model.py': moduleWith(
        'class Scalar:\n  def item(self): return 0.25\ndef predict(batch): return [[{"label": "low", "confidence": 1, "attributes": Scalar()}], [{"label": "low", "confidence": float("nan")}]][:len(batch)]',
      ),
    });
    const adapter = await loadedFrom(python);

    expect(await adapter.predict([sample('{}')], ENDLESS)).toEqual([
      [{ type: 'class', label: 'low', confidence: 1, attributes: 0.25 }],
    ]);
    // Refused with the item that it belongs to, by whoever writes predictions.
    expect((await adapter.predict([sample('{}'), sample('{}')], ENDLESS))[1]).toEqual([
      { type: 'class', label: 'low', confidence: Number.NaN },
    ]);
  });

  it.each([
    ['a file without functions', 'x = 1', 'it has no class ModelAdapter'],
    [
      'a class without methods',
      'class ModelAdapter:\n  pass',
      'ModelAdapter has none of the methods load, prepare, train, predict, save',
    ],
    [
      'an import that is not there',
      'import nowhere_to_be_found\ndef predict(batch): pass',
      'importing it raised ModuleNotFoundError',
    ],
    ['a file that is no Python', 'def (', 'importing it raised SyntaxError'],
  ])('refuses %s', async (_what, source, problem) => {
    await expect(hostPython(pythonCode({ 'model.py': source }).code)).rejects.toMatchObject({
      code: 'PythonAdapterUnusable',
      message: expect.stringContaining(problem),
    });
  });

  it('takes a class, and what lies beside its file', async () => {
    const python = pythonCode(
      {
        'model.py': `
import beside
class Mine:
    defaults = {"a": 1}
    input_type = "tabular"
    def load(self, directory, configuration, labels): self.a = configuration["a"]
    def train(self, data, context): pass
    def predict(self, batch): return [[{"label": beside.NAME + str(self.a), "confidence": 1}] for _ in batch]
    def save(self, directory): pass
`,
        'beside.py': 'NAME = "beside"',
      },
      { className: 'Mine' },
    );

    expect(await answerOf(python)).toBe('beside1');
    expect(existsSync(join(python.code.directory, '__pycache__'))).toBe(false);
  });

  it('is missed by name where there is none', async () => {
    const python = pythonCode(
      { 'model.py': moduleWith('') },
      { settings: { command: 'python-that-is-not-there' } },
    );

    await expect(hostPython(python.code)).rejects.toMatchObject({
      code: 'PythonMissing',
      message: expect.stringContaining('MODELFN_PYTHON'),
    });
  });
});

/** A process that ended and that nobody asked about is a zombie: it does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const status = `/proc/${pid}/status`;
    return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
  } catch {
    return false;
  }
}

function noData() {
  const part = (partition: 'train' | 'validation') => ({
    partition,
    count: 0,
    async *inputs() {},
    samples: async () => [],
    async *stream() {},
  });
  return { train: part('train'), validation: part('validation') };
}

function trainContext(signal: AbortSignal = ENDLESS.signal) {
  return {
    signal,
    seed: 1,
    log: () => undefined,
    progress: () => undefined,
    parent: undefined,
    resumeFrom: undefined,
    shouldCheckpoint: () => false,
    shouldYield: () => false,
    checkpoint: async () => undefined,
  };
}
