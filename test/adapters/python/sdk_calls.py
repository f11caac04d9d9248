"""Calls of Dataloop's real SDK against a server: what comes back has to be what its users rely on.

The login is where DATALOOP_PATH says. Prints a line of JSON for each step; later steps use what earlier ones made.
"""

import io
import json
import os
import tempfile
import traceback

import dtlpy as dl
import numpy as np
from PIL import Image

STEPS = []
MADE = {}
ANNOTATION = dl.FiltersResource.ANNOTATION


def step(function):
    STEPS.append(function)
    return function


def picture(shade):
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 10, 10)).save(out, "PNG")
    out.seek(0)
    return out


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


def raises(status, call):
    try:
        call()
    except Exception as error:
        assert getattr(error, "status_code", None) == status, error
        return
    raise AssertionError("nothing was raised")


@step
def projects():
    project = MADE["project"] = dl.projects.create("calls")
    assert dl.info()["user_email"]
    assert dl.projects.get(project_name="calls").id == project.id
    assert dl.projects.get(project_id=project.id).name == "calls"
    assert project.id in [each.id for each in dl.projects.list()]
    raises("404", lambda: dl.projects.get(project_name="nowhere"))
    raises("404", lambda: dl.projects.get(project_id="nowhere"))


@step
def datasets():
    labels = [dl.Label(tag="cat", color="#ff0000"), dl.Label(tag="dog", color="#00ff00")]
    dataset = MADE["dataset"] = MADE["project"].datasets.create("photos", labels=labels)
    assert MADE["project"].datasets.get(dataset_name="photos").id == dataset.id
    assert dl.datasets.get(dataset_id=dataset.id).name == "photos"
    assert [each.id for each in MADE["project"].datasets.list()] == [dataset.id]
    assert sorted(label.tag for label in dataset.labels) == ["cat", "dog"]
    dataset.metadata["user"] = {"a": 1}
    dataset.update()
    assert dl.datasets.get(dataset_id=dataset.id).metadata["user"] == {"a": 1}
    raises("404", lambda: dl.datasets.get(dataset_id="nowhere"))


@step
def labels():
    MADE["dataset"].add_label("bird", color=(0, 0, 255))
    MADE["dataset"].add_labels(["fish.trout"])
    dataset = MADE["dataset"] = dl.datasets.get(dataset_id=MADE["dataset"].id)
    assert {"bird", "fish.trout"} <= set(dataset.labels_flat_dict)
    dataset.update_label("bird", color=(1, 2, 3))
    dataset.delete_labels(["fish.trout"])


@step
def recipes():
    recipe = MADE["dataset"].recipes.list()[0]
    ontology = recipe.ontologies.list()[0]
    assert recipe.ontologies.get(ontology_id=ontology.id).id == ontology.id
    ontology.attributes = ["blurred"]
    assert ontology.update().attributes == ["blurred"]
    recipe.title = "again"
    recipe.update()
    assert recipe.clone().id != recipe.id
    MADE["ontology"] = ontology


@step
def uploads():
    items = MADE["dataset"].items
    item = MADE["item"] = items.upload(local_path=picture(1), remote_name="a.png", remote_path="/train")
    assert item.filename == "/train/a.png" and item.width == 40
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3):
            with open(os.path.join(folder, "f%d.png" % number), "wb") as file:
                file.write(picture(number * 40).read())
        assert len(list(items.upload(local_path=folder + "/*", remote_path="/many"))) == 3
    given = {"remote_name": "m.png", "remote_path": "/meta"}
    named = items.upload(local_path=picture(7), item_metadata={"user": {"k": "v"}}, **given)
    assert named.metadata["user"]["k"] == "v"
    assert items.upload(local_path=picture(8), overwrite=True, **given) is not None
    assert items.upload(local_path=np.zeros((8, 8, 3), "uint8"), remote_name="z.png").width == 8


@step
def lists_and_filters():
    items = MADE["dataset"].items

    def count(filters):
        return items.list(filters=filters).items_count

    pages = items.list()
    assert pages.items_count == len(list(pages.all())) == 6
    assert "/train/a.png" in [item.filename for page in pages for item in page]
    assert count(dl.Filters(field="filename", values="/many/**")) == 3
    assert count(dl.Filters(field="metadata.user.k", values="v")) == 1
    some = ["/train/a.png", "/meta/m.png"]
    assert count(dl.Filters(field="filename", values=some, operator=dl.FiltersOperations.IN)) == 2
    assert count(dl.Filters(field="name", values="a.png", operator=dl.FiltersOperations.NOT_EQUAL)) == 5
    either = dl.Filters()
    for name in ("a.png", "z.png"):
        either.add(field="name", values=name, method=dl.FiltersMethod.OR)
    assert count(either) == 2
    ordered = dl.Filters()
    ordered.sort_by(field="filename", value=dl.FiltersOrderByDirection.DESCENDING)
    assert items.list(filters=ordered).items[0].filename == "/z.png"
    assert items.get(filepath="/train/a.png").id == MADE["item"].id
    assert dl.items.get(item_id=MADE["item"].id).filename == "/train/a.png"


@step
def downloads():
    item = MADE["item"]
    assert Image.open(item.download(save_locally=False)).size == (40, 30)
    assert item.download(save_locally=False, to_array=True).shape == (30, 40, 3)
    with tempfile.TemporaryDirectory() as folder:
        assert os.path.isfile(item.download(local_path=folder))


@step
def item_changes():
    item = MADE["item"]
    item.metadata["user"] = {"n": 3}
    assert item.update().metadata["user"] == {"n": 3}
    item.move("/train/b.png")
    item = MADE["item"] = dl.items.get(item_id=item.id)
    assert item.filename == "/train/b.png"
    item.snapshot_partition = dl.SnapshotPartitionType.TRAIN
    assert dl.items.get(item_id=item.id).snapshot_partition == "train"


@step
def annotations():
    item = MADE["item"]
    mask = np.zeros((30, 40), bool)
    mask[4:8, 5:9] = True
    builder = item.annotations.builder()
    for definition in (
        dl.Box(left=1, top=2, right=20, bottom=25, label="cat"),
        dl.Classification(label="dog"),
        dl.Polygon(label="cat", geo=[(1, 1), (10, 1), (10, 10)]),
        dl.Point(label="cat", x=3, y=4),
        dl.Polyline(label="cat", geo=[(1, 1), (5, 5)]),
        dl.Ellipse(label="cat", x=5, y=5, rx=2, ry=3, angle=0),
        dl.Segmentation(geo=mask, label="cat"),
    ):
        builder.add(annotation_definition=definition)
    assert len(item.annotations.upload(builder)) == 7
    found = {each.type: each for each in item.annotations.list()}
    assert sorted(found) == ["binary", "box", "class", "ellipse", "point", "polyline", "segment"]
    assert (np.asarray(found["binary"].geo) > 0).sum() == 16
    assert found["box"].left == 1 and found["box"].bottom == 25
    assert dl.items.get(item_id=item.id).annotated
    box = item.annotations.get(annotation_id=found["box"].id)
    box.label = "dog"
    box.update()
    assert item.annotations.get(annotation_id=box.id).label == "dog"
    cats = dl.Filters(field="label", values="cat", resource=ANNOTATION)
    assert len(item.annotations.list(filters=cats)) == 5
    joined = dl.Filters()
    joined.add_join(field="label", values="dog")
    assert MADE["dataset"].items.list(filters=joined).items_count == 1
    box.delete()
    assert len(item.annotations.list()) == 6


@step
def predictions():
    item = MADE["item"]
    collection = dl.AnnotationCollection()
    box = dl.Box(left=1, top=2, right=20, bottom=25, label="cat")
    collection.add(annotation_definition=box, model_info={"name": "m-s", "confidence": 0.5})
    assert len(item.annotations.upload(collection)) == 1
    own = dl.Filters(field="metadata.user.model.name", values="m-s", resource=ANNOTATION)
    assert len(item.annotations.list(filters=own)) == 1
    item.annotations.delete(filters=own)
    assert len(item.annotations.list()) == 6


@step
def exports():
    as_json = [dl.ViewAnnotationOptions.JSON]
    with tempfile.TemporaryDirectory() as folder:
        MADE["dataset"].download(local_path=folder, annotation_options=as_json)
        assert {"items/train/b.png", "json/train/b.json"} <= set(files_below(folder)), files_below(folder)
        with open(os.path.join(folder, "json/train/b.json")) as file:
            assert len(json.load(file)["annotations"]) == 6
    with tempfile.TemporaryDirectory() as folder:
        MADE["dataset"].download_annotations(local_path=folder, annotation_options=as_json)
        assert any(name.endswith("train/b.json") for name in files_below(folder))


@step
def dataset_versions():
    MADE["dataset"].items.make_dir("/empty/deep")
    assert "/many" in MADE["dataset"].directory_tree.dir_names
    clone = MADE["dataset"].clone(clone_name="copy")
    assert clone.items.list().items_count == 6
    clone.set_readonly(True)
    assert dl.datasets.get(dataset_id=clone.id).readonly
    clone.set_readonly(False)
    clone.delete(sure=True, really=True)


@step
def partitions():
    many = dl.Filters(field="filename", values="/many/**")
    MADE["dataset"].items.update(filters=many, update_values={"seen": True})
    assert MADE["dataset"].items.list(filters=dl.Filters(field="metadata.user.seen", values=True)).items_count == 3
    train = dl.SnapshotPartitionType.TRAIN
    MADE["dataset"].set_partition(partition=train, filters=dl.Filters(field="filename", values="/many/**"))
    assert MADE["dataset"].get_partitions(partitions=train).items_count == 4


@step
def models():
    project = MADE["project"]
    defaults = {"lr": 0.1, "epochs": 3}
    model = project.models.create(
        model_name="net", output_type=dl.AnnotationType.BOX, default_configuration=defaults, tags=["x"], src_path="/tmp"
    )
    assert model.project_id == project.id and model.default_configuration == defaults
    assert dl.models.get(model_id=model.id).name == "net" and project.models.get(model_name="net").id == model.id
    assert project.models.list().items_count == 1
    model.default_configuration["lr"] = 0.2
    model.description = "changed"
    model = MADE["model"] = model.update()
    assert model.default_configuration["lr"] == 0.2 and model.description == "changed"
    again = dl.models.get(model_id=model.id)
    assert again.default_configuration["lr"] == 0.2 and again.creator and again.project.id == project.id
    assert isinstance(again.revisions, list)


@step
def snapshots():
    project, model, dataset = MADE["project"], MADE["model"], MADE["dataset"]
    given = {"dataset_id": dataset.id, "project_id": project.id}
    made = model.snapshots.create(snapshot_name="one", labels=["cat", "dog"], configuration={"a": 1}, **given)
    assert made.project_id == project.id and model.snapshots.get(snapshot_name="one").id == made.id
    assert model.snapshots.list().items_count == project.snapshots.list().items_count == 1
    found = dl.snapshots.get(snapshot_id=made.id)
    assert (found.dataset.id, found.model.id, found.project.id) == (dataset.id, model.id, project.id)
    found.configuration["b"] = 2
    found.status = "trained"
    found = MADE["snapshot"] = found.update()
    assert found.configuration == {"a": 1, "b": 2} and found.status == "trained" and found.project_id == project.id
    assert found.labels == ["cat", "dog"]
    by_ontology = model.snapshots.create(snapshot_name="two", ontology_id=MADE["ontology"].id, **given)
    assert "cat" in dl.snapshots.get(snapshot_id=by_ontology.id).label_to_id_map
    raises("409", lambda: model.snapshots.create(snapshot_name="one", labels=["cat"], **given))
    samples = [dl.SnapshotMetricSample(figure="loss", legend="train", x=x, y=1 / x) for x in (1, 2)]
    assert found.add_metric_samples(samples)


@step
def buckets():
    snapshot = MADE["snapshot"]
    bucket = snapshot.buckets.create(bucket_type=dl.BucketType.ITEM, model_name="net", snapshot_name="one")
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "sub"))
        for name in ("w.bin", "sub/x.txt"):
            with open(os.path.join(folder, name), "w") as file:
                file.write(name)
        bucket.upload(local_path=folder, overwrite=True)
    snapshot.bucket = bucket
    snapshot = MADE["snapshot"] = snapshot.update()
    with tempfile.TemporaryDirectory() as folder:
        snapshot.download_from_bucket(local_path=folder)
        assert files_below(folder) == ["sub/x.txt", "w.bin"], files_below(folder)
    clone = snapshot.clone(snapshot_name="three", configuration={"z": 1}, labels=["cat"])
    assert dl.snapshots.get(snapshot_id=clone.id).configuration["z"] == 1 and clone.project_id == MADE["project"].id


@step
def codebases():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "model_adapter.py"), "w") as file:
            file.write("x = 1\n")
        model = MADE["project"].models.push(model=dl.models.get(model_id=MADE["model"].id), src_path=folder)
        assert model.codebase.type == "item"
        assert MADE["project"].artifacts.upload(filepath=file.name, package_name="net") is not None
    with tempfile.TemporaryDirectory() as folder:
        place = MADE["project"].codebases.unpack(codebase_id=model.codebase.item_id, local_path=folder)
        assert os.path.isfile(os.path.join(place, "model_adapter.py"))


@step
def runs():
    project = MADE["project"]
    filters = dl.Filters(resource=dl.FiltersResource.EXECUTION)
    assert project.executions.list(filters=filters).items_count == 0
    for repository in (project.triggers, project.pipelines, project.services, project.packages):
        assert repository.list().items_count == 0


@step
def removals():
    item, items = MADE["item"], MADE["dataset"].items
    clone = item.clone(remote_filepath="/clone/c.png")
    assert clone.filename == "/clone/c.png"
    clone.delete()
    meta = dl.Filters(field="filename", values="/meta/**")
    items.delete(filters=meta)
    assert items.list(filters=dl.Filters(field="filename", values="/meta/**")).items_count == 0
    dl.snapshots.get(snapshot_id=MADE["snapshot"].id).delete()
    dl.models.get(model_id=MADE["model"].id).delete()
    MADE["project"].delete(sure=True, really=True)
    raises("404", lambda: dl.datasets.get(dataset_id=MADE["dataset"].id))


def main():
    for each in STEPS:
        problem = None
        try:
            each()
        except Exception:
            problem = traceback.format_exc()[-1500:]
        print(json.dumps({"step": each.__name__, "problem": problem}), flush=True)
    # The SDK's threads are not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
