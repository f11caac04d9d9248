"""The other side of `bench/dataloop-sdk.ts`: the SDK's own `predict_items`, with the adapter and weights it is given.

Arguments: folder of the adapter, folder of the weights, id of the snapshot. For each line of stdin, `add` or `replace`, all items
of the snapshot's dataset are predicted and uploaded, and the seconds that took are printed.
"""

import os
import sys
import time

import dtlpy as dl
import numpy

if not hasattr(numpy, "float"):
    numpy.float = float


def main(code, weights, snapshot_id):
    sys.path.insert(0, code)
    from model import ModelAdapter

    dl.verbose.disable_progress_bar = True
    snapshot = dl.snapshots.get(snapshot_id=snapshot_id)
    adapter = ModelAdapter(dl.models.get(model_id=snapshot.model_id))
    adapter.snapshot = snapshot
    adapter.configuration = dict(ModelAdapter._defaults, **snapshot.configuration)
    adapter.load(weights)
    items = [item for page in snapshot.dataset.items.list() for item in page]
    print(len(items), flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        adapter.predict_items(items, with_upload=True, cleanup=line.strip() == "replace")
        print(time.perf_counter() - started, flush=True)
    # The SDK's threads are not waited for.
    os._exit(0)


main(*sys.argv[1:])
