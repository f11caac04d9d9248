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
    # A .pt file of YOLOv5 beside this one to begin with; none: from scratch.
    "weights": "",
    # Side of the square, in pixels: a multiple of 32, 64 at least.
    "img_size": 640,
    "epochs": 100,
    "batch_size": 16,
    # As YOLOv5's --device: "", "cpu", "0".
    "device": "",
    # Processes that read images. 0: none, as where there is no shared memory for them (AWS Lambda).
    "workers": 0,
}

# Where the trained files are: of a training, or of the snapshot that was loaded.
STATE = {"files": None}
SAVED = ("model.onnx", "weights.pt", "labels.json")
EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def load(directory, configuration, labels):
    STATE["files"] = directory


def predict(batch):
    raise RuntimeError(
        "this model trains; its ONNX file is served by the adapter modelfn/yolov5: save it to a snapshot of such a model"
    )


def train(data, context):
    settings = dict(context.configuration, seed=context.seed)
    size, epochs = settings["img_size"], settings["epochs"]
    if size % 32 != 0 or size < 64:
        raise ValueError("img_size is %r; it is a multiple of 32, 64 at least" % size)
    folder = tempfile.mkdtemp(prefix="yolov5-")
    lay_out(data, context.labels, folder)
    run = os.path.join(folder, "run")
    if context.resume_from is not None:
        shutil.copytree(context.resume_from, run)

    def on_epoch(epoch, metrics):
        """After each epoch, its files written to `run`. True: stop here."""
        context.log(metrics, x=epoch)
        context.progress((epoch + 1) / epochs, "epoch %d of %d" % (epoch + 1, epochs))
        if epoch + 1 == epochs or not context.should_checkpoint():
            return False
        context.checkpoint(lambda directory: keep(run, directory))
        return context.should_yield()

    if not trainer.train(folder, settings, on_epoch, context.throw_if_cancelled):
        return "yielded"
    files = os.path.join(folder, "files")
    os.makedirs(files)
    weights = os.path.join(files, "weights.pt")
    trainer.save(run, weights)
    trainer.export(weights, settings, os.path.join(files, "model.onnx"))
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
    """`data/images/<train|val>/...` and `data/labels/<train|val>/...txt`, and the `data.yaml` that names them.

    Images are numbered: YOLOv5 finds the labels by the image's path, in which a folder named `images`, or two names that
    differ in the extension alone, would lead astray.
    """
    boxes = {}
    for name, partition in (("train", data.train), ("val", data.validation)):
        boxes[name] = 0
        images, texts = (os.path.join(folder, "data", kind, name) for kind in ("images", "labels"))
        for each in (images, texts):
            os.makedirs(each)
        for number, example in enumerate(partition):
            extension = os.path.splitext(example.filename)[1].lower()
            lines = list(lines_of(example, labels))
            # What an image is, its bytes say; by the name YOLOv5 only chooses what to open.
            image = "%08d%s" % (number, extension if extension in EXTENSIONS else ".jpg")
            os.symlink(example.path, os.path.join(images, image))
            with open(os.path.join(texts, "%08d.txt" % number), "w") as file:
                file.writelines(lines)
            boxes[name] += len(lines)
    if boxes["train"] == 0:
        raise ValueError("no box in the train partition with a label of the snapshot; set partitions and labels first")
    with open(os.path.join(folder, "data.yaml"), "w") as file:
        # JSON is YAML.
        json.dump(
            {
                "path": os.path.join(folder, "data"),
                "train": "images/train",
                # YOLOv5 wants some to look at after each epoch.
                "val": "images/val" if boxes["val"] else "images/train",
                "nc": len(labels),
                "names": list(labels),
            },
            file,
        )


def lines_of(example, labels):
    """YOLO's line a box: class, then centre and size as shares of the image."""
    system = example.item["metadata"].get("system", {})
    if "width" not in system or "height" not in system:
        raise ValueError("%s: nobody knows its width and height; upload it as an image" % example.filename)
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
