"""What an adapter is given: items to predict, and partitions to learn from, on disk."""

import collections
import json
import os
import sys


class _Readable:
    """Reading of one file; `path` is set by the class."""

    @property
    def filename(self):
        """Path of the item in its dataset, with a leading slash."""
        return self.item["filename"]

    def bytes(self):
        with open(self.path, "rb") as file:
            return file.read()

    def text(self):
        return self.bytes().decode("utf-8")

    def json(self):
        return json.loads(self.text())


class Item(_Readable):
    """An item to predict. `item` has its id, filename and metadata."""

    def __init__(self, item, scratch, content=None, path=None):
        self.item = item
        self._scratch = scratch
        self._content = content
        self._path = path
        # Its pixels to be, for the adapter of the SDK.
        self.decoded = None

    @property
    def path(self):
        """A file with the item's bytes, under the item's own name. It is there until predict returns."""
        if self._path is None:
            folder = os.path.join(self._scratch, "item-%d" % id(self))
            os.makedirs(folder, exist_ok=True)
            self._path = os.path.join(folder, os.path.basename(self.filename) or "item")
            with open(self._path, "wb") as file:
                file.write(self._content)
        return self._path

    def bytes(self):
        return bytes(self._content) if self._content is not None else super().bytes()


class Example(_Readable, collections.namedtuple("Example", ("path", "annotations", "label"))):
    """An item to learn from: its file, what people said about it, and the label of its one class annotation or None."""

    item = None


class Partition:
    """The items of one partition, in order of filename. May be gone through any number of times."""

    def __init__(self, name, directory, index, prepare):
        self.name = name
        self.directory = directory
        self._index = index
        self._prepare = prepare
        with open(index, "rb") as lines:
            self._count = sum(1 for _ in lines)

    def __len__(self):
        return self._count

    def __iter__(self):
        with open(self._index, "r", encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                path = os.path.join(self.directory, "items", *entry["path"].split("/"))
                example = Example(path, entry["annotations"], entry["label"])
                example.item = entry["item"]
                yield example

    def samples(self):
        """(sample, label) of every labelled item: what `prepare` makes of it, or the example itself without a prepare.
        Items that prepare fails on are left out and told of in the log."""
        for example in self:
            if example.label is None:
                continue
            if self._prepare is None:
                yield example, example.label
                continue
            try:
                sample = self._prepare(example)
            except Exception as error:
                print("left out %s: %s: %s" % (example.filename, type(error).__name__, error), file=sys.stderr)
                continue
            yield sample, example.label


class Data:
    """What a training learns from, on disk: <directory>/<partition>/items and <directory>/<partition>/json."""

    def __init__(self, params, prepare):
        self.directory = params["directory"]
        self.partitions = {
            name: Partition(name, os.path.join(self.directory, name), index, prepare)
            for name, index in params["indexes"].items()
        }

    @property
    def train(self):
        return self.partitions["train"]

    @property
    def validation(self):
        """May be empty."""
        return self.partitions["validation"]

    def __iter__(self):
        return iter(self.train)

    def __len__(self):
        return len(self.train)
