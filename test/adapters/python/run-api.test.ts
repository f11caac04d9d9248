import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { predictFunction } from '../../../functions/predict/predict.ts';
import { trainFunction } from '../../../functions/train/train.ts';
import { LOCAL_ACTOR } from '../../../shared/auth/actor.ts';
import { cloneDataset } from '../../../shared/catalog/dataset-clone.ts';
import { createDataset } from '../../../shared/catalog/datasets.ts';
import { uploadItem } from '../../../shared/catalog/item-upload.ts';
import { readMetrics } from '../../../shared/catalog/metrics.ts';
import { createProject } from '../../../shared/catalog/projects.ts';
import { temporaryFolder } from '../../shared/content/temporary-folder.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { runInPlace } from '../../support/run-function.ts';
import { moduleWith, pythonCode, pythonProblem } from './hosted-python.ts';
import { openPythonWorkspace } from './python-workspace.ts';

let close: () => Promise<void>;
afterEach(() => close());

/**
 * An adapter that asks the API with what comes with Python: `ask` gives status and JSON. `lines` go over its functions; what
 * they `tell` is what `told` reads. Another project has a dataset with an item.
 */
async function openAsking(lines: string) {
  const out = join(temporaryFolder(), 'told.json');
  const source = moduleWith(`
needs_api = True
import json, os, urllib.request, urllib.error
ids = {}
def use_entities(given): ids.update(given)
def save(directory): open(os.path.join(directory, "weights"), "w").write("1")
def tell(value):
    with open(${JSON.stringify(out)} + ".new", "w") as file: json.dump(value, file)
    os.replace(file.name, ${JSON.stringify(out)})
def ask(method, path, body=None, token=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": "Bearer " + os.environ["MODELFN_API_TOKEN"], "content-type": "application/json"}
    request = urllib.request.Request(os.environ["MODELFN_API"] + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as response: return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
${lines}
`);
  const space = await openPythonWorkspace(pythonCode({ 'model.py': source }).code.directory);
  close = () => space.platform.close();
  const project = await createProject(space.platform, LOCAL_ACTOR, { name: 'other' });
  const dataset = await createDataset(space.platform, LOCAL_ACTOR, {
    name: 'secret',
    projects: [project.id],
  });
  const { item } = await uploadItem(space.platform, LOCAL_ACTOR, {
    ...{ datasetId: dataset.id, path: '/secret.txt', mode: 'skip' },
    source: new TextEncoder().encode('secret'),
  });
  const told = () => JSON.parse(readFileSync(out, 'utf8')) as never;
  const train = () =>
    runInPlace(space.container, trainFunction, { snapshot: space.snapshot.id }, 'execution-1');
  return { ...space, told, train, other: { project, dataset, item } };
}

describeUnless(pythonProblem, 'the API, as the adapter of a run asks it', () => {
  it('shows the run its own project, and writes what the run writes', async () => {
    const space = await openAsking(`
def train(data, context):
    _, projects = ask("GET", "/projects")
    _, snapshot = ask("GET", "/snapshots/" + ids["snapshotId"])
    _, page = ask("POST", "/datasets/%s/query" % snapshot["datasetId"], {"resource": "items", "filter": {"$and": [{"type": "file"}]}})
    status, _ = ask("PATCH", "/snapshots/" + snapshot["id"], dict(snapshot, configuration={"classes": 2}))
    points = [{"action": "snapshotMetric", "snapshotId": snapshot["id"], "figure": "loss", "legend": "train", "measure0": 1, "measure1": 0.5}]
    ask("POST", "/snapshots/metric", points)
    ask("POST", "/items/%s/annotations" % page["items"][0]["id"], [{"type": "class", "label": "high"}])
    tell([[each["name"] for each in projects], page["totalItemsCount"], status])
`);

    const trained = await space.train();
    const snapshot = await space.platform.store.get('Snapshot', space.snapshot.id);

    expect(space.told()).toEqual([['tiny'], 10, 200]);
    expect(trained).toMatchObject({ status: 'trained' });
    expect(snapshot).toMatchObject({ configuration: { classes: 2 }, status: 'trained', revision: 1 });
    expect(await readMetrics(space.platform, LOCAL_ACTOR, space.snapshot.id)).toMatchObject([
      { figure: 'loss', x: 1, y: 0.5 },
    ]);
    const annotations = await space.platform.store.query('Annotation', { filter: { label: 'high' } });
    expect(annotations.items).toContainEqual(expect.objectContaining({ creator: LOCAL_ACTOR.email }));
  });

  it('names the dataset that the run trains on, which need not be the snapshot’s own', async () => {
    const space = await openAsking(`
def train(data, context):
    tell([ids["datasetId"], ask("GET", "/snapshots/" + ids["snapshotId"])[1]["datasetId"]])
`);
    const { platform, container, snapshot, dataset } = space;
    await cloneDataset(platform, LOCAL_ACTOR, dataset.id, { name: 'copy' });

    await runInPlace(container, trainFunction, { snapshot: snapshot.id, dataset: { name: 'copy' } });

    const { items } = await platform.store.query('Dataset', { filter: { name: 'copy' } });
    expect(space.told()).toEqual([items[0]!.id, dataset.id]);
  });

  it('keeps other projects from it, and what would begin or change other runs', async () => {
    const space = await openAsking(`
def train(data, context):
    other = context.configuration["other"]
    answers = {
        "dataset": ask("GET", "/datasets/" + other["dataset"]),
        "query": ask("POST", "/datasets/%s/query" % other["dataset"], {"resource": "items"}),
        "item": ask("GET", "/items/" + other["item"]),
        "stream": ask("GET", "/items/%s/stream" % other["item"]),
        "delete": ask("DELETE", "/datasets/" + other["dataset"]),
        "project": ask("GET", "/projects/" + other["project"]),
        "into": ask("POST", "/datasets", {"name": "mine", "projects": [other["project"]]}),
        "model": ask("POST", "/models", {"name": "mine", "projectId": other["project"]}),
        "ontology": ask("POST", "/ontologies", {"roots": [], "projectIds": [other["project"]]}),
        "newProject": ask("POST", "/projects", {"name": "mine"}),
        "ownProject": ask("DELETE", "/projects/" + ids["projectId"]),
        "execution": ask("POST", "/executions/x", {"functionName": "train", "projectId": ids["projectId"], "input": {}}),
        "trigger": ask("POST", "/triggers", {}),
        "pipeline": ask("POST", "/pipelines/x/execute", {}),
        "nowhere": ask("GET", "/../../etc"),
    }
    tell({name: [status, body.get("code")] for name, (status, body) in answers.items()})
`);
    const { project, dataset, item } = space.other;
    const other = { project: project.id, dataset: dataset.id, item: item.id };
    await space.platform.store.update('Snapshot', space.snapshot.id, (now) => ({
      ...now,
      configuration: { other },
    }));

    await space.train();

    const hidden = [404, 'EntityNotFound'];
    const refused = [403, 'NotForRuns'];
    expect(space.told()).toEqual({
      ...{ dataset: hidden, query: hidden, item: hidden, stream: hidden, delete: hidden, project: hidden },
      ...{ into: hidden, model: hidden, ontology: [403, expect.any(String)] },
      ...{
        newProject: refused,
        ownProject: refused,
        execution: refused,
        trigger: refused,
        pipeline: refused,
      },
      nowhere: [404, 'RouteNotFound'],
    });
    expect(await space.platform.store.get('Dataset', dataset.id)).toBeDefined();
  });

  it('has nothing for it between two runs, and its port ends with the process', async () => {
    const space = await openAsking(`
import threading, time
def train(data, context): tell(os.environ["MODELFN_API"])
def predict(batch):
    def later():
        answer = (200, {})
        while answer[0] != 403:
            time.sleep(0.01)
            answer = ask("GET", "/projects")
        tell(answer[1]["code"])
    threading.Thread(target=later, daemon=True).start()
    return [[] for _ in batch]
`);
    await space.train();
    const portOfTraining = space.told() as string;
    const items = [space.items.get('/test/0.json')!.id];
    await runInPlace(space.container, predictFunction, { snapshot: space.snapshot.id, items });

    await expect.poll(() => space.told(), { timeout: 20_000 }).toBe('NoRunToAsk');
    await expect(fetch(`${portOfTraining}/projects`)).rejects.toThrow('fetch failed');
  });
});
