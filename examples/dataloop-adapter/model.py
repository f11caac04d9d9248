"""An adapter as it was written for the SDK of Dataloop: a mean colour for each label. Nothing in it knows modelfn."""

import glob
import json
import os

import dtlpy as dl
import numpy as np
from PIL import Image


def mean_colour(image):
    """Of the columns first: NumPy adds whole rows of pixels to each other then, many times as fast as pixel by pixel."""
    return image.mean(axis=0).mean(axis=0)


class ModelAdapter(dl.BaseModelAdapter):
    _defaults = {"weights_filename": "colours.json", "num_epochs": 1}

    def __init__(self, model_entity):
        super(ModelAdapter, self).__init__(model_entity)

    def load(self, local_path, **kwargs):
        with open(os.path.join(local_path, self.configuration["weights_filename"])) as file:
            self.model = json.load(file)

    def save(self, local_path, **kwargs):
        with open(os.path.join(local_path, self.configuration["weights_filename"]), "w") as file:
            json.dump(self.model, file, sort_keys=True)

    def convert_from_dtlpy(self, data_path, **kwargs):
        """A line for each labelled image, in a file beside the items."""
        for partition in sorted(os.listdir(data_path)):
            lines = []
            for path in sorted(glob.glob(os.path.join(data_path, partition, "json", "**", "*.json"), recursive=True)):
                with open(path) as file:
                    item = json.load(file)
                for annotation in dl.AnnotationCollection.from_json(item["annotations"]):
                    if annotation.type == "class":
                        lines.append("%s\t%s\n" % (item["filename"].lstrip("/"), annotation.label))
            with open(os.path.join(data_path, partition, "labels.tsv"), "w") as file:
                file.writelines(lines)

    def train(self, data_path, output_path, **kwargs):
        on_epoch_end = kwargs.get("on_epoch_end_callback")
        pixels = {}
        with open(os.path.join(data_path, "train", "labels.tsv")) as file:
            for line in file:
                filename, label = line.rstrip("\n").split("\t")
                image = np.asarray(Image.open(os.path.join(data_path, "train", "items", filename)))
                pixels.setdefault(label, []).append(mean_colour(image))
        self.model = {label: np.mean(means, axis=0).tolist() for label, means in pixels.items()}
        if on_epoch_end is not None:
            on_epoch_end(0, self.configuration["num_epochs"])
        with open(os.path.join(output_path, "history.json"), "w") as file:
            json.dump({"labels": len(self.model)}, file)

    def predict(self, batch, **kwargs):
        collections = []
        for image in batch:
            mean = mean_colour(image)
            distances = {label: float(np.linalg.norm(mean - np.array(own))) for label, own in self.model.items()}
            label = min(distances, key=distances.get)
            collection = dl.AnnotationCollection()
            collection.add(
                annotation_definition=dl.Classification(label=label),
                model_info={
                    "name": self.model_name,
                    "confidence": 1.0 / (1.0 + distances[label] / 255),
                },
            )
            collections.append(collection)
        return collections
