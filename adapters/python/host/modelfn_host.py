"""Runs an adapter written in Python for modelfn: one process for each loaded snapshot, standard library only.

Frames on file descriptor 3, both ways: length of the JSON and of the bytes (u32 little-endian each), JSON, bytes.

    modelfn -> host   {"id", "method", "params"}   {"cancel": id}   {"answer": call, "value" | "error"}
                      {"expect": number, "params"}: what a `predict` with {"expected": number} will be about   {"forget": number}
    host -> modelfn   {"hello": 1, ...}   {"reply": id, "result" | "error"}   {"event", "id", ...}   {"call", "id", "name"}

What the adapter prints is no part of it: stdout and stderr are the log of the run.
"""

import logging
import os
import queue
import random
import shutil
import sys
import threading
import traceback

from modelfn_import import AdapterProblem, import_adapter, log_in
from modelfn_channel import Channel
from modelfn_context import Cancelled, Context
from modelfn_data import Data, Item
from modelfn_source import METHODS

PROTOCOL = 1
# NumPy's codes, kind and bytes: elements of at most 4 bytes, and float64.
TENSOR_TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4")


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
        # Items of batches that come next, most likely, by the batch's number.
        self._expected = {}
        self._binary = []
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
            elif "forget" in message:
                self._expected.pop(message["forget"], None)
            else:
                self._requests.put((message, self._given(message, binary)))

    def _given(self, message, binary):
        """The items of a `predict`; None for what is not there."""
        params = message["params"]
        if message["method"] != "predict":
            return None
        return self._expected.pop(params["expected"], None) if "expected" in params else self._items(params, binary)

    def _expect(self, message, binary):
        items = self._items(message["params"], binary)
        if self._is_sdk():
            self.adapter.expect(items)
        self._expected[message["expect"]] = items

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
            # Bytes that go with the answer.
            self._binary = []
            reply["result"] = getattr(self, "_" + request["method"])(request, items)
            reply["rssBytes"] = rss_bytes()
            self._channel.send(reply, b"".join(self._binary), with_infinities=request["method"] == "predict")
        except BaseException as error:
            self._channel.send({"reply": request["id"], "error": self._describe(error), "rssBytes": rss_bytes()})
        finally:
            self._cancelled.discard(request["id"])

    def is_cancelled(self, identifier):
        return identifier in self._cancelled

    def event(self, identifier, name, **fields):
        self._channel.send(dict(fields, event=name, id=identifier), with_infinities=name == "log")

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
            "methods": self._methods(),
            "replacesConfiguration": self._is_sdk() and adapter.replaces_configuration,
        }

    def _is_sdk(self):
        """Whether the adapter is a class of the Dataloop SDK, so that its attributes are modelfn's and not its author's."""
        return type(self.adapter).__module__ == "modelfn_dataloop"

    def _methods(self):
        if self._is_sdk():
            return self.adapter.methods
        return [method for method in METHODS if callable(getattr(self.adapter, method, None))]

    def _load(self, request, _):
        params = request["params"]
        self._tell_entities(params)
        load = getattr(self.adapter, "load", None)
        # An adapter without it needs no weights.
        if callable(load):
            load(params["directory"], params["configuration"], params["labels"])

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
            raise AdapterProblem("modelfn did not hand over this batch; predict again")
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
        if each.get("tensor") is not None:
            result["tensor"] = self._tensor(each["tensor"])
        return result

    def _tensor(self, array):
        """An array of NumPy, or a tensor of PyTorch, as bytes beside the answer."""
        if callable(getattr(array, "detach", None)):
            array = array.detach().cpu().numpy()
        if not all(hasattr(array, name) for name in ("shape", "dtype", "tobytes")):
            raise TypeError("predict gave a tensor of %s; give an array of NumPy" % type(array).__name__)
        plain = array.dtype.newbyteorder("<").str
        code = plain[1:]
        if code not in TENSOR_TYPES:
            raise TypeError("predict gave a tensor of %s; cast it, as with .astype('float32')" % array.dtype)
        data = array.astype(plain, copy=False).tobytes()
        start = sum(map(len, self._binary))
        self._binary.append(data)
        return {"dims": list(array.shape), "type": code, "from": start, "to": start + len(data)}

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


def prepare_logging():
    """Lines of `logging` from INFO on go to stderr, while the code configures no handlers of its own. Root stays without handlers:
    with one, `logging.basicConfig` of the adapter would do nothing."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    logging.lastResort = handler
    logging.getLogger().setLevel(logging.INFO)
    # The SDK locks its files with it, and it logs each lock.
    logging.getLogger("filelock").setLevel(logging.WARNING)


def main(directory, entry_point, class_name, scratch):
    prepare_logging()
    channel = Channel(3)
    version = ".".join(str(part) for part in sys.version_info[:3])
    channel.send({"hello": PROTOCOL, "python": version})
    Host(channel, os.path.abspath(directory), entry_point, class_name, scratch).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
