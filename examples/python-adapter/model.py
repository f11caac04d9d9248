"""Labels an item as the label whose items have the nearest mean. Python's standard library and nothing else.

Takes JSON items of numbers, and PNG images of 8 bits a channel, whose pixels it averages on a grid.
"""

import json
import math
import os
import struct
import zlib

input_type = "image"
output_type = "class"
max_batch_size = 64
defaults = {"grid": 4}

GRID = {"size": 4}
WEIGHTS = {"centroids": {}, "spread": 1.0}


def load(directory, configuration, labels):
    GRID["size"] = configuration["grid"]
    with open(os.path.join(directory, "centroids.json"), encoding="utf-8") as file:
        WEIGHTS.update(json.load(file))


def prepare(item):
    """The numbers of an item: one to predict, or one to learn from."""
    content = item.bytes()
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return png_features(content, GRID["size"])
    numbers = json.loads(content.decode("utf-8"))
    return [float(numbers[name]) for name in sorted(numbers)]


def train(data, context):
    """One label after the other, so that a training may stop between two of them and go on later."""
    GRID["size"] = context.configuration["grid"]
    samples = list(data.train.samples())
    if not samples:
        raise ValueError("no item of the train partition has a label; label some first")
    centroids = {}
    if context.resume_from is not None:
        with open(os.path.join(context.resume_from, "centroids.json"), encoding="utf-8") as file:
            centroids = json.load(file)
    for index, label in enumerate(context.labels):
        own = [sample for sample, each in samples if each == label]
        if label in centroids or not own:
            continue
        centroids[label] = [sum(column) / len(own) for column in zip(*own)]
        context.progress((index + 1) / len(context.labels), label)
        if context.should_checkpoint():
            context.checkpoint(lambda directory: write_json(directory, centroids))
            if context.should_yield():
                return "yielded"
    distances = [squared_distance(sample, centroids[label]) for sample, label in samples]
    WEIGHTS.update(centroids=centroids, spread=sum(distances) / len(distances) or 1.0)
    for name, partition in (("train", samples), ("validation", list(data.validation.samples()))):
        if partition:
            right = sum(nearest(sample)["label"] == label for sample, label in partition)
            context.log({"accuracy/" + name: right / len(partition)}, x=1)
    return None


def predict(batch):
    return [[nearest(sample)] for sample in batch]


def save(directory):
    write_json(directory, WEIGHTS)


def nearest(sample):
    """The nearest label; its confidence is its share of exp(-distance / spread) over all labels."""
    centroids, spread = WEIGHTS["centroids"], WEIGHTS["spread"]
    ranked = sorted((squared_distance(sample, mean) / spread, label) for label, mean in centroids.items())
    first = ranked[0][0]
    return {
        "label": ranked[0][1],
        "confidence": 1 / sum(math.exp(first - distance) for distance, _ in ranked),
    }


def squared_distance(a, b):
    if len(a) != len(b):
        raise ValueError("an item has %d numbers; the model was trained on %d" % (len(a), len(b)))
    return sum((x - y) ** 2 for x, y in zip(a, b))


def write_json(directory, content):
    with open(os.path.join(directory, "centroids.json"), "w", encoding="utf-8") as file:
        json.dump(content, file, sort_keys=True)


def png_features(content, size):
    """Mean of each channel, 0 to 1, in each cell of a grid."""
    width, height, channels, rows = decode_png(content)
    sums = [0.0] * (size * size * channels)
    counts = [0] * (size * size)
    for y, row in enumerate(rows):
        for x in range(width):
            cell = (y * size // height) * size + x * size // width
            counts[cell] += 1
            for channel in range(channels):
                sums[cell * channels + channel] += row[x * channels + channel]
    return [total / (255 * max(1, counts[index // channels])) for index, total in enumerate(sums)]


def decode_png(content):
    """PNG specification, chapters 5, 9 and 11: 8 bits a channel, not interlaced, no palette."""
    at, header, packed = 8, None, b""
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", data)
        elif kind == b"IDAT":
            packed += data
    width, height, depth, color, _, _, interlaced = header
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(color)
    if depth != 8 or channels is None or interlaced:
        raise ValueError("only PNG images of 8 bits a channel, without palette and interlacing, are read here")
    return width, height, channels, unfilter(zlib.decompress(packed), width * channels, height, channels)


def unfilter(raw, stride, height, step):
    rows, above = [], bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for x in range(stride):
            left = row[x - step] if x >= step else 0
            corner = above[x - step] if x >= step else 0
            row[x] = (row[x] + predicted(kind, left, above[x], corner)) & 0xFF
        rows.append(row)
        above = row
    return rows


def predicted(kind, left, up, corner):
    if kind == 0:
        return 0
    if kind == 1:
        return left
    if kind == 2:
        return up
    if kind == 3:
        return (left + up) // 2
    by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner
