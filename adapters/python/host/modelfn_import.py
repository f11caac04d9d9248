"""Finds the adapter in its file, and logs its process in to the API of modelfn."""

import importlib.util
import inspect
import json
import os
import sys

from modelfn_predictions import restore_prediction_helpers
from modelfn_source import METHODS


class AdapterProblem(Exception):
    """The adapter's code is not what it has to be; the message is for its author."""


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
        if mentions(path, b"predictions_utils"):
            restore_prediction_helpers()
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


def mentions(path, word):
    with open(path, "rb") as file:
        return word in file.read()


def check_methods(adapter, name):
    """Any subset of the methods will do; a class without any of them is no adapter."""
    if not any(callable(getattr(adapter, method, None)) for method in METHODS):
        raise AdapterProblem("%s has none of the methods %s" % (name, ", ".join(METHODS)))
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
        # Adapters log by `self.logger`, which is the SDK's.
        "logging_level": "info",
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
