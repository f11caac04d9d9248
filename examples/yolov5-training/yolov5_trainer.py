"""YOLOv5's own training (package `yolov5` 7.0.14), an epoch at a time.

    train(folder, settings, on_epoch, on_batch) -> bool   goes on from what `folder/run` holds; True when all epochs are done
    save(run, target)                                      writes the best weights, without what changes from run to run
    export(weights, settings, target)                      writes them in ONNX

`folder` holds `data.yaml`; everything of the run goes to `folder/run`, of which `CHECKPOINT` is what a later slice needs.

Each epoch is a resumption of YOLOv5's from the file that the one before it left, whether it ran in this process or in another:
so a training comes to the same weights in one piece and in slices.
"""

import gc
import importlib.util
import logging
import os
import shutil
import sys

LAST = ("weights", "last.pt")
BEST = ("weights", "best.pt")
# YOLOv5 keeps the model in half precision; this has it as it was.
EXACT = ("weights", "exact.pt")
CHECKPOINT = (LAST, BEST, EXACT)

# What YOLOv5 tells after an epoch, in its order.
NAMES = (
    ["loss_box/train", "loss_obj/train", "loss_cls/train", "precision/validation", "recall/validation"]
    + ["map50/validation", "map50_95/validation", "loss_box/validation", "loss_obj/validation", "loss_cls/validation"]
)

# Services that YOLOv5 reports to where it finds their packages, at times while it is imported; and a log of its own.
HIDDEN = ("wandb", "comet_ml", "clearml", "neptune", "tensorboard")


class EpochDone(Exception):
    """Leaves YOLOv5's loop once an epoch's files are written."""


def train(folder, settings, on_epoch, on_batch=lambda: None):
    train, _ = modules(folder)
    run = os.path.join(folder, "run")
    for epoch in range(epochs_of(run), settings["epochs"]):
        told = run_epoch(train, folder, run, settings, epoch, on_batch)
        # Its data loaders go in circles of references, and with them their processes.
        gc.collect()
        logging.getLogger("yolov5").setLevel(logging.WARNING)
        if on_epoch(epoch, told):
            return False
    return True


def epochs_of(run):
    """How many epochs the files of the run have behind them."""
    import torch

    last = os.path.join(run, *LAST)
    return torch.load(last, map_location="cpu")["epoch"] + 1 if os.path.exists(last) else 0


def run_epoch(yolov5, folder, run, settings, epoch, on_batch):
    """One epoch of YOLOv5's own loop. Answers what it measured, by name."""
    import torch
    from yolov5.utils.callbacks import Callbacks
    from yolov5.utils.torch_utils import ModelEMA, select_device, smart_resume

    exact = os.path.join(run, *EXACT)
    held = {}
    told = {}

    class HeldEMA(ModelEMA):
        """Tells which model is trained: nothing that YOLOv5 hands to its callbacks has it in full precision."""

        def __init__(self, model, *rest, **named):
            super().__init__(model, *rest, **named)
            held.update(model=model, ema=self.ema)

    def resume_exactly(*given, **named):
        answer = smart_resume(*given, **named)
        state = torch.load(exact, map_location="cpu")
        for name, module in held.items():
            module.load_state_dict(state[name])
        return answer

    def on_fit_epoch_end(values, epoch, best_fitness, fitness):
        told.update({name: float(value) for name, value in zip(NAMES, values)})

    def on_model_save(last, epoch, final_epoch, best_fitness, fitness):
        torch.save({name: module.state_dict() for name, module in held.items()}, exact)
        raise EpochDone()

    callbacks = Callbacks()
    callbacks.register_action("on_train_batch_end", callback=lambda *_: on_batch())
    callbacks.register_action("on_fit_epoch_end", callback=on_fit_epoch_end)
    callbacks.register_action("on_model_save", callback=on_model_save)
    yolov5.ModelEMA, yolov5.smart_resume = HeldEMA, resume_exactly
    options = options_of(yolov5, folder, run, settings, epoch)
    device = select_device(options.device, batch_size=options.batch_size)
    try:
        yolov5.train(options.hyp, options, device, callbacks)
    except EpochDone:
        return told
    raise RuntimeError("YOLOv5 ended epoch %d without saving it" % (epoch + 1))


def options_of(yolov5, folder, run, settings, epoch):
    # It reads the command line for its defaults, which is the host's here.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        options = yolov5.parse_opt(True)
    finally:
        sys.argv = arguments
    options.data = os.path.join(folder, "data.yaml")
    options.hyp = str(options.hyp)
    options.epochs, options.batch_size = settings["epochs"], settings["batch_size"]
    options.imgsz, options.device, options.workers = settings["img_size"], settings["device"], settings["workers"]
    options.project, options.name, options.save_dir, options.exist_ok = folder, "run", run, True
    # As many epochs as were asked for; early stopping would forget what it knows with each slice.
    options.patience, options.noplots = 0, True
    # Each epoch has numbers of its own: YOLOv5 begins with the seed whenever it is resumed.
    options.seed = (settings["seed"] * 1_000_003 + epoch) % 2**32
    options.resume = epoch > 0
    if options.resume:
        options.cfg, options.weights = "", os.path.join(run, *LAST)
    else:
        options.cfg, options.weights = model_file(settings["cfg"]), settings["weights"] and own_file(settings["weights"])
    return options


def model_file(name):
    """A file beside this one, or a description of a model that comes with YOLOv5."""
    own = own_file(name, is_needed=False)
    package = os.path.dirname(importlib.util.find_spec("yolov5").origin)
    found = own or next(
        (path for part in ("models", os.path.join("models", "hub")) if os.path.isfile(path := os.path.join(package, part, name))),
        None,
    )
    if found is None:
        raise ValueError("cfg is %r: neither a file beside model.py nor one of YOLOv5's models" % name)
    return found


def own_file(name, is_needed=True):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if os.path.isfile(path):
        return path
    if is_needed:
        raise ValueError("weights is %r, which is no file beside model.py; nothing is downloaded" % name)
    return None


def modules(folder):
    """YOLOv5's `train` and `export`, without what they download, install and report."""
    place = os.path.join(folder, "settings")
    os.makedirs(place, exist_ok=True)
    os.environ.update(YOLOV5_CONFIG_DIR=place, YOLO_CONFIG_DIR=place, MPLCONFIGDIR=place)
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLOv5_AUTOINSTALL="false", HF_HUB_OFFLINE="1")
    # Threads that wait sleep: where others use the cores too, spinning made an epoch take seven times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Progress bars are no lines of a log.
    os.environ["TQDM_DISABLE"] = "1"
    # Its checkpoints are whole models, which PyTorch from 2.6 on opens when it is told to only.
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    for name in HIDDEN:
        sys.modules[name] = None
    from yolov5 import export, train
    from yolov5.models import experimental
    from yolov5.utils import general

    def nothing(*_, **__):
        return None

    general.check_font = train.check_requirements = export.check_requirements = nothing
    train.attempt_download_from_hub = nothing
    train.attempt_download = experimental.attempt_download = str
    return train, export


def save(run, target):
    """The best weights, as YOLOv5 leaves them after the last epoch: half precision, no optimizer."""
    import torch

    best = os.path.join(run, *BEST)
    state = torch.load(best if os.path.exists(best) else os.path.join(run, *LAST), map_location="cpu")
    model = (state["ema"] or state["model"]).half()
    for parameter in model.parameters():
        parameter.requires_grad = False
    # Neither date nor folders: equal weights are equal bytes.
    state.update(model=model, ema=None, updates=None, optimizer=None, epoch=-1, date=None, opt=None, best_fitness=None)
    torch.save(state, target)


def export(weights, settings, target):
    _, export = modules(os.path.dirname(target))
    size = settings["img_size"]
    files = export.run(weights=weights, imgsz=(size, size), include=("onnx",), dynamic=True, device="cpu")
    if not files:
        raise RuntimeError("YOLOv5 wrote no ONNX file; the log says why")
    shutil.move(str(files[-1]), target)
