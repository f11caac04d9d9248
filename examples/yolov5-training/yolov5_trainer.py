"""YOLOv5's own training (package `yolov5` 7.0, or a checkout of the repository on the path), an epoch at a time.

    train(folder, settings, resume, on_epoch) -> bool     True when all epochs are done
    export(run, settings, target)                          writes the model in ONNX

`folder` holds `data.yaml`; everything of the run goes to `folder/run`, of which `CHECKPOINT` is what a later slice needs.
"""

import os
import shutil

WEIGHTS = ("weights", "last.pt")
CHECKPOINT = (WEIGHTS, ("weights", "best.pt"), ("opt.yaml",), ("hyp.yaml",))

# What YOLOv5 tells after an epoch, in its order.
NAMES = (
    ["loss_box/train", "loss_obj/train", "loss_cls/train", "precision/validation", "recall/validation"]
    + ["map50/validation", "map50_95/validation", "loss_box/validation", "loss_obj/validation", "loss_cls/validation"]
)


def modules():
    try:
        from yolov5 import export, train
        from yolov5.utils.callbacks import Callbacks
    except ImportError:
        import export
        import train
        from utils.callbacks import Callbacks
    return train, export, Callbacks


def train(folder, settings, resume, on_epoch):
    yolov5, _, Callbacks = modules()
    run = os.path.join(folder, "run")
    callbacks = Callbacks()
    told = {}
    done = {"epochs": 0}

    def on_fit_epoch_end(values, epoch, best_fitness, fitness):
        told.update({name: float(value) for name, value in zip(NAMES, values)})

    def on_model_save(last, epoch, final_epoch, best_fitness, fitness):
        done["epochs"] = epoch + 1
        if on_epoch(epoch, dict(told)):
            # YOLOv5 looks at this after the next batch, whose step is lost with it.
            callbacks.stop_training = True

    callbacks.register_action("on_fit_epoch_end", callback=on_fit_epoch_end)
    callbacks.register_action("on_model_save", callback=on_model_save)
    options = yolov5.parse_opt(True)
    if resume:
        rewrite_places(folder, run)
        options.resume = os.path.join(run, *WEIGHTS)
    else:
        options.data = os.path.join(folder, "data.yaml")
        options.cfg, options.weights = settings["cfg"], settings["weights"]
        options.epochs, options.batch_size = settings["epochs"], settings["batch_size"]
        options.imgsz, options.device = settings["img_size"], settings["device"]
        options.workers, options.seed = settings["workers"], settings["seed"]
        options.project, options.name, options.exist_ok = folder, "run", True
        options.noplots = True
    yolov5.main(options, callbacks)
    return done["epochs"] == settings["epochs"]


def rewrite_places(folder, run):
    """A checkpoint names the folders of the process that wrote it; YOLOv5 takes them from there when it goes on."""
    import yaml

    path = os.path.join(run, "opt.yaml")
    with open(path) as file:
        options = yaml.safe_load(file)
    options.update(data=os.path.join(folder, "data.yaml"), project=folder, save_dir=run)
    with open(path, "w") as file:
        yaml.safe_dump(options, file, sort_keys=False)


def export(run, settings, target):
    _, yolov5, _ = modules()
    size = settings["img_size"]
    weights = os.path.join(run, *WEIGHTS)
    files = yolov5.run(weights=weights, imgsz=(size, size), include=("onnx",), dynamic=True, device="cpu")
    shutil.move(str(files[-1]), target)
