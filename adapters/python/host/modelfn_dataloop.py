"""Runs a class derived from `dl.BaseModelAdapter`, of the time when dtlpy had snapshots, as modelfn's contract asks.

The class is not changed and the dtlpy is the real one of its requirements. It is logged in to modelfn's own API, which
answers it within the project of the run that calls it; its snapshot and model are the real ones.
"""

import concurrent.futures
import copy
import enum
import importlib
import inspect
import io
import os
import shutil
import sys
import tempfile
import weakref

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
        self.defaults = dict(getattr(adapter_class, "_defaults", None) or {})
        self.input_type = "image"
        self.output_type = getattr(adapter_class, "output_type", None)
        self.max_batch_size = 16
        if self._has("convert_from_dtlpy") or self._has("convert"):
            self.convert = self._convert

    def use_entities(self, ids):
        self._ids = ids

    def load(self, directory, configuration, labels):
        adapter = self._open(dict(configuration, bucket_path=directory), labels)
        adapter.load(directory)

    def train(self, data, context):
        """As `train_from_snapshot` of the SDK does: convert what was downloaded, then train, then keep the output."""
        adapter = self._open(dict(context.configuration), context.labels)
        if context.resume_from is not None:
            raise RuntimeError("an adapter of the SDK cannot go on from a checkpoint")
        self._convert_in_place(data.directory)
        self._output = tempfile.mkdtemp(prefix="output-")
        adapter.configuration.update({"bucket_path": self._output})

        def on_epoch_end_callback(i_epoch, n_epoch):
            context.progress((i_epoch + 1) / n_epoch, "finished epoch %d of %d" % (i_epoch + 1, n_epoch))

        names = parameters_of(adapter.train)
        output = {"output_path": self._output, "dump_path": self._output}
        given = {name: path for name, path in output.items() if name in names}
        if takes_any(adapter.train):
            given["on_epoch_end_callback"] = on_epoch_end_callback
            given.setdefault("output_path", self._output) if not given else None
        adapter.train(data_path=data.directory, **given)
        context.throw_if_cancelled()

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
        if self._opened_with is not None and configuration_of(snapshot) != self._opened_with:
            snapshot.update()
            self._opened_with = configuration_of(snapshot)

    def _convert(self, data, directory, context):
        self._open(dict(context.configuration), context.labels)
        shutil.copytree(data.directory, directory, dirs_exist_ok=True)
        self._convert_in_place(directory)

    def _convert_in_place(self, data_path):
        for name in ("convert_from_dtlpy", "convert"):
            if self._has(name):
                getattr(self._adapter, name)(data_path=data_path)
                return

    def _has(self, name):
        """Whether the class wrote the method itself: the one of the SDK only raises."""
        return any(name in vars(each) for each in self._class.__mro__ if each.__name__ not in ("BaseModelAdapter", "object"))

    def _opened(self):
        if self._adapter is None:
            raise RuntimeError("there is nothing loaded: load or train comes first")
        return self._adapter

    def _open(self, configuration, labels):
        dl = importlib.import_module("dtlpy")
        if not hasattr(dl, "Snapshot"):
            raise RuntimeError(
                "dtlpy %s has no snapshots. Ask for one that has, in requirements.txt: dtlpy==1.61.17"
                % getattr(dl, "__version__", "")
            )
        restore_numpy_names()
        restore_texts(dl)
        hide_local_folder(dl)
        model, snapshot = self._fetch(dl) or self._make_up()
        is_real = "creator" in snapshot
        folder = configuration.get("bucket_path", os.getcwd())
        snapshot.update(
            configuration=configuration,
            ontologySpec=dict(snapshot.get("ontologySpec") or {}, labels=list(labels)),
            bucket={"type": "local", "localPath": folder},
        )
        project = dl.projects.get(project_id=snapshot["projectId"]) if is_real else None
        entity = dl.Model.from_json(model, client_api=dl.client_api, project=project)
        self._adapter = self._class(entity)
        self._adapter.snapshot = dl.Snapshot.from_json(
            snapshot, client_api=dl.client_api, project=project, model=entity
        )
        self._opened_with = configuration_of(self._adapter.snapshot) if is_real else None
        return self._adapter

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


def configuration_of(snapshot):
    """A copy, without the folder of this process."""
    kept = {key: value for key, value in snapshot.configuration.items() if key != "bucket_path"}
    return copy.deepcopy(kept)


def hide_local_folder(dl):
    """A snapshot that the adapter sends back has its own bucket, not the folder where this process has the weights."""
    if getattr(dl.Snapshot.to_json, "hides_folder", False):
        return
    whole = dl.Snapshot.to_json

    def to_json(self):
        sent = whole(self)
        sent["configuration"] = {k: v for k, v in (sent.get("configuration") or {}).items() if k != "bucket_path"}
        if (sent.get("bucket") or {}).get("type") == "local":
            del sent["bucket"]
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
        return numpy.asarray(image)


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


def parameters_of(function):
    return inspect.signature(function).parameters


def takes_any(function):
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters_of(function).values())
