"""Runs an adapter written in Python for modelfn: one process for each loaded snapshot, standard library only.

Frames on file descriptor 3, both ways: length of the JSON and of the bytes (u32 little-endian each), JSON, bytes.

    modelfn -> host   {"id", "method", "params"}   {"cancel": id}   {"answer": call, "value" | "error"}
                      {"expect": number, "params"}: what a `predict` with {"expected": number} will be about
    host -> modelfn   {"hello": 1, ...}   {"reply": id, "result" | "error"}   {"event", "id", ...}   {"call", "id", "name"}

What the adapter prints is no part of it: stdout and stderr are the log of the run.
"""

import collections
import importlib.util
import inspect
import json
import os
import queue
import random
import shutil
import socket
import struct
import sys
import threading
import traceback

PROTOCOL = 1
HEADER = struct.Struct("<II")
MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_BINARY_BYTES = 256 * 1024 * 1024
METHODS = ("load", "prepare", "train", "predict", "save", "convert", "convert_back")


class Cancelled(BaseException):
    """The run is to stop. No Exception: `except Exception` in an adapter does not swallow it."""


class AdapterProblem(Exception):
    """The adapter's code is not what it has to be; the message is for its author."""


# --- the line to modelfn ---


class Channel:
    def __init__(self, descriptor):
        self._socket = socket.socket(fileno=descriptor)
        # Programs that the adapter starts do not get the line, and neither do its forks.
        os.set_inheritable(self._socket.fileno(), False)
        self._reader = self._socket.makefile("rb", buffering=1024 * 1024)
        self._sending = threading.Lock()
        self._owner = os.getpid()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave)

    def _leave(self):
        try:
            os.close(self._socket.detach())
        except OSError:
            pass

    def send(self, message, binary=b""):
        if os.getpid() != self._owner:
            raise RuntimeError("only the process that modelfn started may use its context, not a fork of it")
        text = json.dumps(message, allow_nan=False, default=plain, separators=(",", ":")).encode("utf-8")
        if len(text) > MAX_JSON_BYTES or len(binary) > MAX_BINARY_BYTES:
            raise ValueError(
                "an answer of %d + %d bytes; %d + %d is the most. Give fewer samples at once (max_batch_size)."
                % (len(text), len(binary), MAX_JSON_BYTES, MAX_BINARY_BYTES)
            )
        with self._sending:
            self._socket.sendall(HEADER.pack(len(text), len(binary)) + text)
            if binary:
                self._socket.sendall(binary)

    def receive(self):
        """The next message and its bytes; None when modelfn is gone."""
        header = self._reader.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        json_length, binary_length = HEADER.unpack(header)
        if json_length > MAX_JSON_BYTES or binary_length > MAX_BINARY_BYTES:
            return None
        body = self._reader.read(json_length + binary_length)
        if len(body) < json_length + binary_length:
            return None
        return json.loads(body[:json_length].decode("utf-8")), memoryview(body)[json_length:]


def plain(value):
    """Numbers and arrays of NumPy, PyTorch and their like, as JSON takes them."""
    for name in ("tolist", "item"):
        method = getattr(value, name, None)
        if callable(method):
            return method()
    if isinstance(value, (set, tuple)):
        return list(value)
    raise TypeError("%s is no JSON" % type(value).__name__)


# --- what an adapter is given ---


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


# --- the adapter ---


def import_adapter(directory, entry_point, class_name, open_api):
    """The module itself, or an instance of its class. Raises AdapterProblem.

    `open_api` logs the process in to modelfn's API: called for those who have the SDK, which reads its login when it is
    imported, and for those who say `needs_api = True`.
    """
    path = os.path.join(directory, *entry_point.split("/"))
    if not os.path.isfile(path):
        raise AdapterProblem("its file is not in the codebase")
    # The folder of the file first, then the codebase: `import features` finds what lies beside it.
    sys.path[:0] = list(dict.fromkeys([os.path.dirname(path), directory]))
    has_sdk = importlib.util.find_spec("dtlpy") is not None
    if has_sdk:
        open_api()
    name = os.path.splitext(os.path.basename(path))[0]
    name = name if name.isidentifier() and name not in sys.modules else "modelfn_adapter"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    own = [n for n, v in vars(module).items() if inspect.isclass(v) and v.__module__ == name]
    found = getattr(module, class_name, None)
    if inspect.isclass(found):
        if any(base.__name__ == "BaseModelAdapter" for base in found.__mro__[1:]):
            import modelfn_dataloop

            return modelfn_dataloop.DataloopAdapter(found)
        if not has_sdk and getattr(found, "needs_api", False):
            open_api()
        return check_methods(found(), class_name)
    if not has_sdk and getattr(module, "needs_api", False):
        open_api()
    if any(callable(getattr(module, method, None)) for method in ("predict", "train", "load")):
        return check_methods(module, entry_point)
    raise AdapterProblem(
        "it has no class %s and no functions load, train, predict and save; its classes are: %s"
        % (class_name, ", ".join(own) or "none")
    )


def check_methods(adapter, name):
    missing = [m for m in ("load", "train", "predict", "save") if not callable(getattr(adapter, m, None))]
    if missing:
        raise AdapterProblem("%s lacks %s" % (name, ", ".join(missing)))
    return adapter


def log_in(keys, home):
    """Leaves the login where the SDK looks for it, and in variables for who asks the API without it."""
    folder = os.path.join(home, ".dataloop")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    environment = {
        "alias": "local",
        "audience": "",
        "client_id": "",
        "auth0_url": "",
        "gate_url": keys["origin"],
        "token": keys["token"],
        "refresh_token": keys["refreshToken"],
        "verify_ssl": True,
        "use_ssl_context": False,
        "url": keys["origin"],
    }
    verbose = {
        "logging_level": "warning",
        "disable_progress_bar": True,
        "print_all_responses": False,
        "print_error_logs": False,
    }
    cookie = {"url": keys["url"], "login_parameters": {keys["url"]: environment}, "verbose": verbose}
    with open(os.path.join(folder, "cookie.json"), "w", encoding="utf-8") as file:
        json.dump(cookie, file)
    os.environ["DATALOOP_PATH"] = folder
    os.environ["MODELFN_API"] = keys["url"]
    os.environ["MODELFN_API_TOKEN"] = keys["token"]


class Host:
    def __init__(self, channel, directory, entry_point, class_name, scratch):
        self._channel = channel
        self._directory = directory
        self._entry_point = entry_point
        self._class_name = class_name
        self._scratch = scratch
        self._requests = queue.Queue()
        self._answers = {}
        self._cancelled = set()
        self._calls = 0
        self._lock = threading.Lock()
        # The batch that comes next, most likely: its number and items.
        self._expected = (None, None)
        self.adapter = None

    def serve(self):
        threading.Thread(target=self._listen, name="modelfn", daemon=True).start()
        while True:
            request, items = self._requests.get()
            self._serve(request, items)

    def _listen(self):
        while True:
            received = self._channel.receive()
            if received is None:
                # Nobody is left to answer to, or to tidy up, whatever the adapter does just now.
                shutil.rmtree(os.path.dirname(self._scratch), ignore_errors=True)
                os._exit(0)
            message, binary = received
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            elif "answer" in message:
                with self._lock:
                    waiting = self._answers.pop(message["answer"], None)
                if waiting is not None:
                    waiting.put(message)
            elif "expect" in message:
                self._expect(message, binary)
            else:
                self._requests.put((message, self._given(message, binary)))

    def _given(self, message, binary):
        """What a request is about. Taken at once: the next expected batch takes the place of this one."""
        params = message["params"]
        if message["method"] != "predict":
            return None
        if "expected" not in params:
            return self._items(params, binary)
        number, items = self._expected
        self._expected = (None, None)
        return items if number == params["expected"] else None

    def _expect(self, message, binary):
        items = self._items(message["params"], binary)
        # Of an adapter for modelfn that would be a name of its author's.
        if type(self.adapter).__module__ == "modelfn_dataloop":
            self.adapter.expect(items)
        self._expected = (message["expect"], items)

    def _items(self, params, binary):
        scratch = os.path.join(self._scratch, "predict")
        return [
            Item(
                given["item"],
                scratch,
                binary[given["from"] : given["to"]] if given["path"] is None else None,
                given["path"],
            )
            for given in params["items"]
        ]

    def _serve(self, request, items):
        reply = {"reply": request["id"]}
        try:
            if self.is_cancelled(request["id"]):
                raise Cancelled()
            reply["result"] = getattr(self, "_" + request["method"])(request, items)
            reply["rssBytes"] = rss_bytes()
            self._channel.send(reply)
        except BaseException as error:
            self._channel.send({"reply": request["id"], "error": self._describe(error), "rssBytes": rss_bytes()})
        finally:
            self._cancelled.discard(request["id"])

    def is_cancelled(self, identifier):
        return identifier in self._cancelled

    def event(self, identifier, name, **fields):
        self._channel.send(dict(fields, event=name, id=identifier))

    def call(self, identifier, name, **params):
        """Asks modelfn and waits for its answer."""
        waiting = queue.SimpleQueue()
        with self._lock:
            self._calls += 1
            number = self._calls
            self._answers[number] = waiting
        self._channel.send({"call": number, "id": identifier, "name": name, "params": params})
        answer = waiting.get()
        if "error" in answer:
            raise Cancelled() if self.is_cancelled(identifier) else RuntimeError(answer["error"])
        return answer.get("value")

    def _describe(self, error):
        """What was raised, where in the adapter's own code, without the machine's folders."""
        if isinstance(error, (Cancelled, KeyboardInterrupt)):
            return {"kind": "cancelled", "type": "Cancelled", "message": "", "at": None, "traceback": ""}
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if is_below(frame.filename, self._directory)]
        at = None
        if own:
            at = "%s:%d" % (os.path.relpath(own[-1].filename, self._directory), own[-1].lineno)
        return {
            "kind": "problem" if isinstance(error, AdapterProblem) else "raised",
            "type": type(error).__name__,
            "message": self._without_folders(str(error)[:4000]),
            "at": at,
            "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__))[-8000:],
        }

    def _without_folders(self, text):
        return text.replace(self._directory + os.sep, "").replace(os.path.dirname(self._scratch) + os.sep, "")

    # The methods of the protocol.

    def _describe_adapter(self, request, _):
        def open_api():
            keys = self.call(request["id"], "openApi")
            if keys is not None:
                log_in(keys, os.path.expanduser("~"))

        self.adapter = import_adapter(self._directory, self._entry_point, self._class_name, open_api)
        adapter = self.adapter
        return {
            "defaults": getattr(adapter, "defaults", None) or {},
            "inputType": getattr(adapter, "input_type", None),
            "outputType": getattr(adapter, "output_type", None),
            "maxBatchSize": getattr(adapter, "max_batch_size", 32),
            "methods": [method for method in METHODS if callable(getattr(adapter, method, None))],
        }

    def _load(self, request, _):
        params = request["params"]
        self._tell_entities(params)
        self.adapter.load(params["directory"], params["configuration"], params["labels"])

    def _train(self, request, _):
        context = Context(self, request)
        random.seed(context.seed)
        self._tell_entities(request["params"])
        result = self.adapter.train(Data(request["params"]["data"], self._prepare()), context)
        if result not in (None, "yielded"):
            raise TypeError("train returned %r; it returns None or 'yielded'" % (result,))
        return result

    def _predict(self, request, items):
        if items is None:
            raise AdapterProblem("modelfn expected another batch; predict again")
        try:
            prepare = self._prepare()
            batch = [prepare(item) for item in items] if prepare else items
            answers = self.adapter.predict(batch)
            answers = list(answers)
            if len(answers) != len(items):
                raise ValueError("predict gave %d lists for %d samples" % (len(answers), len(items)))
            return [self._predictions(answer) for answer in answers]
        finally:
            shutil.rmtree(os.path.join(self._scratch, "predict"), ignore_errors=True)

    def _predictions(self, answer):
        return [self._prediction(each) for each in answer]

    def _prediction(self, each):
        if not isinstance(each, dict) or "label" not in each:
            raise TypeError("predict gave %r; a prediction is a dict with label and confidence" % (each,))
        result = {
            "type": each.get("type") or getattr(self.adapter, "output_type", None) or "class",
            "label": each["label"],
            "confidence": float(each.get("confidence", 1.0)),
        }
        for name in ("coordinates", "attributes"):
            if each.get(name) is not None:
                result[name] = each[name]
        return result

    def _save(self, request, _):
        self.adapter.save(request["params"]["directory"])

    def _convert(self, request, _):
        params = request["params"]
        self._tell_entities(params)
        self.adapter.convert(Data(params["data"], self._prepare()), params["directory"], Context(self, request))

    def _convert_back(self, request, _):
        params = request["params"]
        entries = []
        for filename, content, label in self.adapter.convert_back(params["directory"]):
            target = os.path.join(params["output"], str(len(entries)))
            if isinstance(content, (bytes, bytearray, memoryview)):
                with open(target, "wb") as file:
                    file.write(content)
            else:
                shutil.copyfile(content, target)
            entries.append({"filename": filename, "label": label})
        return entries

    def _tell_entities(self, params):
        """Ids of the snapshot, its model and project, for adapters that want them."""
        tell = getattr(self.adapter, "use_entities", None)
        if callable(tell):
            tell(params.get("entities"))

    def _prepare(self):
        prepare = getattr(self.adapter, "prepare", None)
        return prepare if callable(prepare) else None


def is_below(path, directory):
    return os.path.abspath(path).startswith(directory + os.sep)


def rss_bytes():
    """Memory the process takes just now; its peak where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        try:
            import resource

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak * 1024
        except ImportError:
            return 0


def main(directory, entry_point, class_name, scratch):
    channel = Channel(3)
    version = ".".join(str(part) for part in sys.version_info[:3])
    channel.send({"hello": PROTOCOL, "python": version})
    Host(channel, os.path.abspath(directory), entry_point, class_name, scratch).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
