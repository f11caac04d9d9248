"""The line to modelfn: frames on one socket, both ways. A frame is the length of the JSON and of the bytes (u32 little-endian each), JSON, bytes."""

import json
import os
import socket
import struct
import threading

HEADER = struct.Struct("<II")
MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_BINARY_BYTES = 256 * 1024 * 1024


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

    def send(self, message, binary=b"", with_infinities=False):
        """`with_infinities`: NaN and infinities are sent as {"$float": "NaN"}; a ValueError otherwise, as JSON has none."""
        if os.getpid() != self._owner:
            raise RuntimeError("only the process that modelfn started may use its context, not a fork of it")
        text = written(message, with_infinities).encode("utf-8")
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


def written(message, with_infinities):
    try:
        return json.dumps(message, allow_nan=False, default=plain, separators=(",", ":"))
    except ValueError:
        if not with_infinities:
            raise
        return json.dumps(marked(message), allow_nan=False, default=plain, separators=(",", ":"))


def marked(value):
    """The same with {"$float": "NaN"} in place of NaN, and likewise of infinities."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if value != value:
            return {"$float": "NaN"}
        if value in (float("inf"), float("-inf")):
            return {"$float": "Infinity" if value > 0 else "-Infinity"}
        return float(value)
    if isinstance(value, dict):
        return {key: marked(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [marked(each) for each in value]
    return marked(plain(value))


def plain(value):
    """Numbers and arrays of NumPy, PyTorch and their like, as JSON takes them."""
    for name in ("tolist", "item"):
        method = getattr(value, name, None)
        if callable(method):
            return method()
    if isinstance(value, (set, tuple)):
        return list(value)
    raise TypeError("%s is no JSON" % type(value).__name__)
