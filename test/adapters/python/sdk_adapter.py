"""An adapter of Dataloop's SDK that asks the platform while it works, as those of its users do."""

import io
import json
import os

import dtlpy as dl
from PIL import Image


class ModelAdapter(dl.BaseModelAdapter):
    _defaults = {"other_dataset": None}

    def load(self, local_path, **kwargs):
        with open(os.path.join(local_path, "weights.json")) as file:
            self.model = json.load(file)

    def save(self, local_path, **kwargs):
        with open(os.path.join(local_path, "weights.json"), "w") as file:
            json.dump(self.model, file)

    def train(self, data_path, output_path, **kwargs):
        dataset = self.snapshot.dataset
        items = sorted(dataset.items.list().all(), key=lambda item: item.filename)
        first = items[0]
        size = Image.open(first.download(save_locally=False)).size
        builder = first.annotations.builder()
        builder.add(annotation_definition=dl.Classification(label=self.snapshot.labels[0]))
        uploaded = first.annotations.upload(builder)
        made = self.snapshot.project.datasets.create("made in a run")
        made.items.upload(local_path=io.BytesIO(b"text"), remote_name="note.txt")
        samples = [dl.SnapshotMetricSample(figure="loss", legend="train", x=x, y=1 / x) for x in (1, 2, 3)]
        self.snapshot.add_metric_samples(samples)
        self.configuration["asked"] = {
            "items": len(items),
            "size": list(size),
            "annotations": len(uploaded),
            "projects": [project.name for project in dl.projects.list()],
            "model": dl.models.get(model_id=self.snapshot.model_id).name,
            "dataset": dl.datasets.get(dataset_id=dataset.id).name,
            "other": self._refusal(lambda: dl.datasets.get(dataset_id=self.configuration["other_dataset"])),
            "new": self._refusal(lambda: dl.projects.create("mine")),
        }
        self.snapshot.description = "trained by the SDK"
        self.snapshot = self.snapshot.update()
        self.configuration["after"] = True
        self.model = {"label": self.snapshot.labels[0]}

    def predict(self, batch, **kwargs):
        # What was put into the configuration by the training is there, and the platform answers here too.
        assert self.configuration["after"] and self.snapshot.dataset.items.list().items_count > 0
        answers = []
        for _ in batch:
            collection = dl.AnnotationCollection()
            label = dl.Classification(label=self.model["label"])
            collection.add(annotation_definition=label, model_info={"name": self.model_name, "confidence": 0.5})
            answers.append(collection)
        return answers

    @staticmethod
    def _refusal(call):
        try:
            call()
        except Exception as error:
            return getattr(error, "status_code", str(error))
        return "allowed"
