"""Runs a class derived from `dl.BaseModelAdapter`, of the time when dtlpy had snapshots, as modelfn's contract asks.

The class is not changed and the dtlpy is the real one of its requirements. It is logged in to modelfn's own API, which
answers it within the project of the run that calls it; its snapshot and model are the real ones.
"""

import concurrent.futures
import enum
import importlib
import io
import os
import shutil
import sys
import tempfile
import weakref

from modelfn_calls import call_convert, call_train
from modelfn_configuration import assign_configuration, class_configuration, json_of, json_values, layer_over
from modelfn_predictions import restore_prediction_helpers
from modelfn_source import implements

PARTITIONS = ("train", "validation", "test")
DTLPY_NUMPY_NAMES = {"float": float, "int": int, "bool": bool, "object": object, "str": str}


class DataloopAdapter:
    """modelfn's functions on one side, the class of the SDK on the other."""

    def __init__(self, adapter_class):
        self._class = adapter_class
        self._adapter = None
        self._output = None
        self._ids = None
        self._opened_with = None
        self._threads = concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count())
        self._array = BatchArray()
        # The first item of the batch that was told of last, as long as somebody has it.
        self._announced = lambda: None
        self._own = class_configuration(adapter_class)
        self.defaults = json_values(self._own)
        # A snapshot's value replaces the whole value of the class, as `dict.update` of the SDK does.
        self.replaces_configuration = True
        self.input_type = "image"
        self.output_type = getattr(adapter_class, "output_type", None)
        self.max_batch_size = 16
        self.methods = [name for name in ("load", "train", "predict", "save") if implements(adapter_class, name)]
        if self._conversion() is not None:
            self.convert = self._convert
            self.methods.append("convert")

    def use_entities(self, ids):
        self._ids = ids

    def load(self, directory, configuration, labels):
        self._open(configuration, labels, directory)
        self._load(directory)

    def train(self, data, context):
        """Does what users of the SDK do: load_from_snapshot, prepare_training, train, save_to_snapshot."""
        if context.resume_from is not None:
            raise RuntimeError("an adapter of the SDK cannot go on from a checkpoint")
        self._output = tempfile.mkdtemp(prefix="output-")
        self._load_before_training(context)
        make_partition_folders(data.directory)
        self._convert_in_place(data.directory)

        def on_epoch_end_callback(i_epoch, n_epoch):
            context.progress((i_epoch + 1) / n_epoch, "finished epoch %d of %d" % (i_epoch + 1, n_epoch))

        call_train(self._adapter.train, data.directory, self._output, on_epoch_end_callback)
        context.throw_if_cancelled()

    def _load_before_training(self, context):
        """Loads the weights to fine-tune: the snapshot's own, else its parent's. Without any, the class gets an empty folder, as
        from an empty bucket; a class whose load needs weights trains without it."""
        directory = context.own_weights() or context.parent
        self._open(context.configuration, context.labels, directory or self._output)
        if directory is not None:
            self._load(directory)
            return
        try:
            self._load(self._output)
        except Exception as error:
            print(
                "Neither the snapshot nor its parent has weights, and load() of an empty folder raised %s: %s. "
                "The training begins without load." % (type(error).__name__, error),
                file=sys.stderr,
            )
            # A new instance: the failed load may have left half of its state.
            self._open(context.configuration, context.labels, self._output)

    def _load(self, directory):
        if "load" in self.methods:
            self._adapter.load(directory)

    def expect(self, items):
        """Images of the next batch are decoded while this one is predicted: Pillow lets other threads go on."""
        self._decode(items)
        self._announced = weakref.ref(items[0])

    def predict(self, batch):
        self._decode(batch)
        images = [item.decoded.result() for item in batch]
        try:
            return [predictions_of(each) for each in self._opened().predict(self._array.of(images, self._threads))]
        finally:
            if self._announced() in (None, batch[0]):
                self._array.forget()

    def _decode(self, items):
        for item in items:
            if item.decoded is None:
                item.decoded = self._threads.submit(pixels_of, item)

    def save(self, directory):
        """What `train` wrote to its output is saved with what `save` writes, as `save_to_snapshot` uploads both."""
        if self._output is not None:
            shutil.copytree(self._output, directory, dirs_exist_ok=True)
        self._opened().save(directory)
        self._write_back_configuration()

    def _write_back_configuration(self):
        """`save_to_snapshot` of the SDK writes the snapshot back: what a training put into its configuration is kept."""
        snapshot = self._adapter.snapshot
        # The adapter may have replaced the snapshot or its own dictionary; `save_to_snapshot` prefers the adapter's.
        merged = dict(snapshot.configuration or {}, **self._adapter.configuration)
        kept = json_of(without_folder(merged), "the adapter's configuration")
        if self._opened_with is not None and kept != self._opened_with:
            snapshot.configuration = kept
            snapshot.update()
            self._opened_with = kept

    def _convert(self, data, directory, context):
        self._open(context.configuration, context.labels, os.getcwd())
        shutil.copytree(data.directory, directory, dirs_exist_ok=True)
        self._convert_in_place(directory)

    def _convert_in_place(self, data_path):
        name = self._conversion()
        if name is not None:
            call_convert(getattr(self._adapter, name), data_path)

    def _conversion(self):
        """Name of the method that converts; None when the class leaves it to the SDK, whose methods only raise."""
        for name in ("convert_from_dtlpy", "convert"):
            if implements(self._class, name):
                return name
        return None

    def _opened(self):
        if self._adapter is None:
            raise RuntimeError("there is nothing loaded: load or train comes first")
        return self._adapter

    def _open(self, configuration, labels, folder):
        """Makes the instance and gives it its configuration, as `load_from_snapshot` of the SDK does before it calls load."""
        dl = importlib.import_module("dtlpy")
        if not hasattr(dl, "Snapshot"):
            raise RuntimeError(
                "dtlpy %s has no snapshots. Ask for one that has, in requirements.txt: dtlpy==1.61.17"
                % getattr(dl, "__version__", "")
            )
        restore_numpy_names()
        restore_prediction_helpers()
        restore_texts(dl)
        restore_own_fields(dl)
        model, snapshot = self._fetch(dl) or self._make_up()
        is_real = "creator" in snapshot
        effective = dict(layer_over(self._own, configuration), bucket_path=folder)
        snapshot.update(
            configuration=effective,
            ontologySpec=dict(snapshot.get("ontologySpec") or {}, labels=list(labels)),
            bucket={"type": "local", "localPath": folder},
        )
        project = dl.projects.get(project_id=snapshot["projectId"]) if is_real else None
        entity = dl.Model.from_json(model, client_api=dl.client_api, project=project)
        self._adapter = self._class(entity)
        own_dataset_id = snapshot.get("datasetId")
        # A training on another dataset than the snapshot's: `self.snapshot.dataset` is what the adapter trains on.
        run_dataset_id = (self._ids or {}).get("datasetId") or own_dataset_id
        self._adapter.snapshot = dl.Snapshot.from_json(
            dict(snapshot, datasetId=run_dataset_id), client_api=dl.client_api, project=project, model=entity
        )
        self._adapter.snapshot.modelfn_datasets = (own_dataset_id, run_dataset_id)
        assign_configuration(self._adapter, self._adapter.snapshot, effective)
        self._opened_with = json_of(without_folder(effective)) if is_real else None

    def _fetch(self, dl):
        """Model and snapshot as the API has them; None where it cannot be asked, as before the first run."""
        if self._ids is None or "MODELFN_API" not in os.environ:
            return None
        answers = []
        for path in ("/models/%s" % self._ids["modelId"], "/snapshots/%s" % self._ids["snapshotId"]):
            success, response = dl.client_api.gen_request(req_type="get", path=path, log_error=False)
            if not success:
                print("the API does not answer the adapter: %s" % response.text, file=sys.stderr)
                return None
            answers.append(response.json())
        model, snapshot = answers
        model["outputType"] = model.get("outputType") or self.output_type
        model["inputType"] = model.get("inputType") or self.input_type
        return model, snapshot

    def _make_up(self):
        """The ids, where they are known, are the real ones: what is fetched through them later is found."""
        ids = self._ids or {}
        context = {"project": ids.get("projectId", "modelfn"), "creator": "modelfn"}
        model = {
            "id": ids.get("modelId", "modelfn-model"),
            "name": self._class.__name__,
            "outputType": self.output_type,
            "inputType": self.input_type,
            "defaultConfiguration": dict(self.defaults),
            "context": context,
        }
        snapshot = {
            "id": ids.get("snapshotId", "modelfn-snapshot"),
            "name": "snapshot",
            "modelId": model["id"],
            "datasetId": ids.get("datasetId"),
            "context": context,
        }
        return model, snapshot


def without_folder(configuration):
    return {key: value for key, value in configuration.items() if key != "bucket_path"}


def make_partition_folders(directory):
    """Every partition has its folders, an empty one too: adapters go through all names of `SnapshotPartitionType`."""
    for partition in PARTITIONS:
        for kind in ("items", "json"):
            os.makedirs(os.path.join(directory, partition, kind), exist_ok=True)


def restore_own_fields(dl):
    """A snapshot that the adapter sends back has its own bucket, not the folder where this process has the weights, and its
    own dataset, not the one of this run."""
    if getattr(dl.Snapshot.to_json, "hides_folder", False):
        return
    whole = dl.Snapshot.to_json

    def to_json(self):
        sent = whole(self)
        # Values of the class may be no JSON, such as tuples and devices: the platform gets what is.
        sent["configuration"] = json_values(without_folder(sent.get("configuration") or {}))
        if (sent.get("bucket") or {}).get("type") == "local":
            del sent["bucket"]
        own_dataset_id, run_dataset_id = getattr(self, "modelfn_datasets", (None, None))
        if run_dataset_id is not None and sent.get("datasetId") == run_dataset_id:
            sent["datasetId"] = own_dataset_id
        return sent

    to_json.hides_folder = True
    dl.Snapshot.to_json = to_json


def restore_texts(dl):
    """Until Python 3.11 the SDK's enumerations of texts were formatted as their values."""
    for each in vars(dl).values():
        if isinstance(each, type) and issubclass(each, str) and issubclass(each, enum.Enum):
            each.__format__ = str.__format__


class BatchArray:
    """Images as `predict_items` of the SDK hands them in: an array of float, images x height x width x channels; of objects when they
    differ in size. The array of the batch before is filled again where nobody holds it: fresh memory costs as much as filling it."""

    def __init__(self):
        self._array = None
        # References to it, as counted where nobody else can have one.
        self._own = 0

    def of(self, images, threads):
        import numpy

        if len({image.shape for image in images}) != 1:
            array = numpy.empty(len(images), dtype=object)
            for at, image in enumerate(images):
                array[at] = image.astype(float)
            return array
        shape = (len(images),) + images[0].shape
        if not self._is_free(shape):
            self._array = numpy.empty(shape, dtype=float)
            self._own = sys.getrefcount(self._array)
        # A thread an image: NumPy, too, lets the others go on.
        list(threads.map(self._array.__setitem__, range(len(images)), images))
        return self._array

    def forget(self):
        self._array = None

    def _is_free(self, shape):
        """A view of it, or a tensor made of it, holds it too."""
        if self._array is None or self._array.shape != shape:
            return False
        return sys.getrefcount(self._array) == self._own


def pixels_of(item):
    import numpy
    from PIL import Image

    with Image.open(io.BytesIO(item.bytes())) as image:
        # Some formats are turned while they load, and have no orientation afterwards.
        image.load()
        return numpy.asarray(upright(image))


# Value of the EXIF orientation -> what turns the pixels upright (Exif 2.32, 4.6.4).
ORIENTATION = 0x0112
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def upright(image):
    """The image as it is seen: annotations, and an item's width and height, are in that frame."""
    from PIL import Image

    # Pillow before 6 has no getexif for every format.
    turn = TURNS.get(image.getexif().get(ORIENTATION)) if hasattr(image, "getexif") else None
    return image if turn is None else image.transpose(getattr(Image, turn))


def predictions_of(collection):
    """An AnnotationCollection as predictions. The confidence is the one of `model_info`, 1 without."""
    predictions = []
    for annotation in collection:
        wire = annotation.to_json()
        model = ((wire.get("metadata") or {}).get("user") or {}).get("model") or {}
        confidence = model.get("confidence")
        predictions.append(
            {
                "type": wire["type"],
                "label": wire["label"],
                "confidence": 1.0 if confidence is None else confidence,
                "coordinates": wire.get("coordinates") or None,
                "attributes": wire.get("attributes") or None,
            }
        )
    return predictions


def restore_numpy_names():
    """`numpy.float` and its like were common then, and are gone since NumPy 1.24."""
    try:
        import numpy
    except ImportError:
        return
    for name, value in DTLPY_NUMPY_NAMES.items():
        if name not in vars(numpy):
            setattr(numpy, name, value)
