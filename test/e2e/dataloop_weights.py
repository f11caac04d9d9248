"""Saves and loads the weights of a snapshot with Dataloop's real SDK of the snapshot era (dtlpy 1.49).

Usage: dataloop_weights.py save|upload|load <snapshot id> [<weights>]. The login is where DATALOOP_PATH says. The last line of
the output is JSON: the files that the adapter found.
"""

import json
import os
import sys
import tempfile

import dtlpy as dl
from dtlpy.ml.base_model_adapter import BaseModelAdapter


class Means(BaseModelAdapter):
    """Keeps its weights as text; `load` takes what is there, as adapters of the era do."""

    weights = None
    found = None

    def save(self, local_path, **kwargs):
        with open(os.path.join(local_path, "means.json"), "w") as file:
            file.write(self.weights)

    def load(self, local_path, **kwargs):
        self.found = {}
        for folder, _, names in os.walk(local_path):
            for name in names:
                path = os.path.join(folder, name)
                with open(path) as file:
                    self.found[os.path.relpath(path, local_path)] = file.read()


def main():
    command, snapshot_id = sys.argv[1:3]
    snapshot = dl.snapshots.get(snapshot_id=snapshot_id)
    adapter = Means(snapshot.model)
    if command == "save":
        adapter.snapshot = snapshot
        adapter.weights = sys.argv[3]
        adapter.save_to_snapshot(replace=True)
    elif command == "upload":
        folder = tempfile.mkdtemp()
        adapter.weights = sys.argv[3]
        adapter.save(folder)
        snapshot.bucket.upload(local_path=folder, overwrite=True)
    else:
        adapter.load_from_snapshot(snapshot, local_path=tempfile.mkdtemp(), overwrite=True)
    print(json.dumps(adapter.found))


main()
