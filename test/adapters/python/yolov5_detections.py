"""What YOLOv5 itself finds with weights in the images of a folder, on stdout: by file, `[left, top, right, bottom, score, class]`.

    python yolov5_detections.py <example's folder> <weights.pt> <folder> <img_size> <conf_thres> <iou_thres>
"""

import json
import os
import sys
import tempfile

example, weights, folder, size, confidence, overlap = sys.argv[1:]
sys.path.insert(0, example)

import yolov5_trainer

with tempfile.TemporaryDirectory() as scratch:
    yolov5_trainer.modules(scratch)
    import cv2
    import numpy
    import torch
    from yolov5.models.experimental import attempt_load
    from yolov5.utils.augmentations import letterbox
    from yolov5.utils.general import non_max_suppression, scale_boxes

    model = attempt_load(weights, torch.device("cpu"))
    found = {}
    for name in sorted(os.listdir(folder)):
        image = cv2.imread(os.path.join(folder, name))
        # A square, without the smaller shapes that YOLOv5 takes where it can.
        square = letterbox(image, int(size), auto=False)[0]
        pixels = torch.from_numpy(numpy.ascontiguousarray(square[:, :, ::-1].transpose(2, 0, 1))).float()[None] / 255
        with torch.no_grad():
            boxes = non_max_suppression(model(pixels)[0], float(confidence), float(overlap), max_det=300)[0]
        boxes[:, :4] = scale_boxes(pixels.shape[2:], boxes[:, :4], image.shape)
        found[name] = boxes.tolist()
json.dump(found, sys.stdout)
