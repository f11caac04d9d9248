"""Helpers of `dtlpy.ml.predictions_utils` that adapters of the time of snapshots use, and that dtlpy 1.61 no longer has."""

import importlib


def restore_prediction_helpers():
    """Adds those that are missing. Does nothing for an SDK without the module."""
    try:
        dl = importlib.import_module("dtlpy")
        helpers = importlib.import_module("dtlpy.ml.predictions_utils")
    except ImportError:
        return

    def create_collection():
        return dl.AnnotationCollection()

    def add(definition, score, adapter, model, snapshot, collection):
        if adapter is not None:
            model, snapshot = adapter.model_entity, adapter.snapshot
        collection = create_collection() if collection is None else collection
        info = {"name": "%s-%s" % (model.name, snapshot.name), "confidence": float(score)}
        info.update(model_id=model.id, snapshot_id=snapshot.id)
        collection.add(annotation_definition=definition, model_info=info)
        return collection

    def add_box_prediction(left, top, right, bottom, label, score, adapter=None, model=None, snapshot=None, collection=None):
        sides = {"left": float(left), "top": float(top), "right": float(right), "bottom": float(bottom)}
        return add(dl.Box(label=str(label), **sides), score, adapter, model, snapshot, collection)

    def add_classification(label, score, adapter=None, model=None, snapshot=None, collection=None):
        return add(dl.Classification(label=label), score, adapter, model, snapshot, collection)

    for helper in (create_collection, add_box_prediction, add_classification):
        if not hasattr(helpers, helper.__name__):
            setattr(helpers, helper.__name__, helper)
