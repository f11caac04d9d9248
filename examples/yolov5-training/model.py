"""Trains YOLOv5 on the boxes of a dataset, in slices, and leaves a model in ONNX for modelfn's own adapter `yolov5` to serve.

What YOLOv5 itself does stands in `yolov5_trainer.py`; this file lays the data out, keeps checkpoints and saves.
"""

import json
import os
import shutil
import tempfile

import yolov5_trainer as trainer

input_type = "image"
output_type = "box"
max_batch_size = 8
defaults = {
    "cfg": "yolov5n.yaml",
    # A .pt file to begin with, as YOLOv5 takes it; none: from scratch.
    "weights": "",
    "img_size": 640,
    "epochs": 100,
    "batch_size": 16,
    # As YOLOv5's --device: "", "cpu", "0".
    "device": "",
    "workers": 2,
}

# Where the trained files are: of a training, or of the snapshot that was loaded.
STATE = {"files": None}
SAVED = ("model.onnx", "weights.pt", "labels.json")


def load(directory, configuration, labels):
    STATE["files"] = directory


def predict(batch):
    raise RuntimeError(
        "this model trains; its ONNX file is served by the adapter modelfn/yolov5: save it to a snapshot of such a model"
    )


def train(data, context):
    folder = tempfile.mkdtemp(prefix="yolov5-")
    lay_out(data, context.labels, folder)
    run = os.path.join(folder, "run")
    if context.resume_from is not None:
        shutil.copytree(context.resume_from, run)
    settings = dict(context.configuration, seed=context.seed)
    epochs = settings["epochs"]

    def on_epoch(epoch, metrics):
        """After each epoch, its files written to `run`. True: stop here."""
        context.log(metrics, x=epoch)
        context.progress((epoch + 1) / epochs, "epoch %d of %d" % (epoch + 1, epochs))
        if epoch + 1 == epochs or not context.should_checkpoint():
            return False
        context.checkpoint(lambda directory: keep(run, directory))
        return context.should_yield()

    is_done = trainer.train(folder, settings, context.resume_from is not None, on_epoch)
    if not is_done:
        return "yielded"
    files = os.path.join(folder, "files")
    os.makedirs(files)
    trainer.export(run, settings, os.path.join(files, "model.onnx"))
    shutil.copyfile(os.path.join(run, *trainer.WEIGHTS), os.path.join(files, "weights.pt"))
    with open(os.path.join(files, "labels.json"), "w") as file:
        json.dump({str(number): label for number, label in enumerate(context.labels)}, file)
    STATE["files"] = files
    return None


def save(directory):
    for name in SAVED:
        shutil.copyfile(os.path.join(STATE["files"], name), os.path.join(directory, name))


def keep(run, directory):
    """What the next slice needs of a run."""
    for parts in trainer.CHECKPOINT:
        source = os.path.join(run, *parts)
        if os.path.exists(source):
            target = os.path.join(directory, *parts)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)


def lay_out(data, labels, folder):
    """`data/images/<train|val>/...` and `data/labels/<train|val>/...txt`, and the `data.yaml` that names them."""
    counts = {}
    for name, partition in (("train", data.train), ("val", data.validation)):
        counts[name] = 0
        for example in partition:
            path = example.filename.lstrip("/")
            image = os.path.join(folder, "data", "images", name, path)
            text = os.path.join(folder, "data", "labels", name, os.path.splitext(path)[0] + ".txt")
            for each in (image, text):
                os.makedirs(os.path.dirname(each), exist_ok=True)
            os.symlink(example.path, image)
            with open(text, "w") as file:
                file.writelines(lines_of(example, labels))
            counts[name] += 1
    if counts["train"] == 0:
        raise ValueError("no item of the train partition; set partitions first")
    with open(os.path.join(folder, "data.yaml"), "w") as file:
        # JSON is YAML.
        json.dump(
            {
                "path": os.path.join(folder, "data"),
                "train": "images/train",
                # YOLOv5 wants some to look at after each epoch.
                "val": "images/val" if counts["val"] else "images/train",
                "nc": len(labels),
                "names": list(labels),
            },
            file,
        )


def lines_of(example, labels):
    """YOLO's line a box: class, then centre and size as shares of the image."""
    system = example.item["metadata"]["system"]
    width, height = system["width"], system["height"]
    for annotation in example.annotations:
        if annotation["type"] != "box" or annotation["label"] not in labels:
            continue
        a, b = annotation["coordinates"][:2]
        left, right = sorted(min(max(each["x"], 0), width) for each in (a, b))
        top, bottom = sorted(min(max(each["y"], 0), height) for each in (a, b))
        if right > left and bottom > top:
            yield "%d %.6f %.6f %.6f %.6f\n" % (
                labels.index(annotation["label"]),
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            )
