"""A run, as the adapter sees it."""


class Cancelled(BaseException):
    """The run is to stop. No Exception: `except Exception` in an adapter does not swallow it."""


class Context:
    """A run, as the adapter sees it. Everything but `cancelled` raises Cancelled once the run is to stop."""

    def __init__(self, host, request):
        params = request["params"]
        self._host = host
        self._id = request["id"]
        self.configuration = params["configuration"]
        self.labels = params["labels"]
        self.seed = params.get("seed", 0)
        self.resume_from = params.get("resumeFrom")
        # A folder with the weights of the snapshot's parent, read-only; None without a parent that has weights.
        self.parent = params.get("parent")

    @property
    def cancelled(self):
        return self._host.is_cancelled(self._id)

    def throw_if_cancelled(self):
        if self.cancelled:
            raise Cancelled()

    def progress(self, fraction, message=None):
        """How far the run is, 0..1, with a word for people."""
        self.throw_if_cancelled()
        self._host.event(self._id, "progress", fraction=float(fraction), message=None if message is None else str(message))

    def log(self, metrics, x):
        """Points on the snapshot's curves: `log({"loss/train": 0.3}, x=epoch)`; a name is <figure>/<legend>."""
        self.throw_if_cancelled()
        samples = []
        for name, y in metrics.items():
            figure, _, legend = name.partition("/")
            samples.append({"figure": figure, "legend": legend or figure, "x": float(x), "y": float(y)})
        self._host.event(self._id, "log", samples=samples)

    def own_weights(self):
        """A folder with the weights that the snapshot itself has so far, read-only; None before its first revision."""
        self.throw_if_cancelled()
        return self._host.call(self._id, "ownWeights")

    def should_checkpoint(self):
        self.throw_if_cancelled()
        return self._host.call(self._id, "shouldCheckpoint")

    def should_yield(self):
        self.throw_if_cancelled()
        return self._host.call(self._id, "shouldYield")

    def checkpoint(self, write):
        """Keeps the state of the training: `write(directory)` fills an empty folder, which is durable when this returns."""
        self.throw_if_cancelled()
        directory = self._host.call(self._id, "beginCheckpoint")
        try:
            write(directory)
        except BaseException as error:
            self._host.call(self._id, "failCheckpoint", message="%s: %s" % (type(error).__name__, error))
            raise
        self._host.call(self._id, "endCheckpoint")
