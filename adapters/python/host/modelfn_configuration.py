"""Configuration of an adapter of the Dataloop SDK: class, then model, then snapshot, each replacing whole values."""

import copy
import json

from modelfn_channel import plain

MISSING = object()


def class_configuration(adapter_class):
    """The class-level dictionary: `configuration` since dtlpy 1.35, `_defaults` before. Later versions have a property there."""
    merged = {}
    for name in ("_defaults", "configuration"):
        found = getattr(adapter_class, name, None)
        if isinstance(found, dict):
            merged.update(found)
    return merged


def layer_over(own, given):
    """`own` with the values of `given` over it. A value that only went to JSON and back keeps its Python form: tuples, and
    numbers as keys of a label map."""
    merged = {key: copied(value) for key, value in own.items()}
    for key, value in given.items():
        if key not in own or json_or_missing(own[key]) != value:
            merged[key] = value
    return merged


def assign_configuration(adapter, snapshot, configuration):
    """One dictionary under both names: adapters write to `self.configuration` and to `self.snapshot.configuration`."""
    snapshot.configuration = configuration
    adapter.configuration = configuration
    # Until dtlpy 1.35 the keys of `_defaults` were attributes too.
    defaults = getattr(type(adapter), "_defaults", None)
    if isinstance(defaults, dict):
        for key, value in configuration.items():
            if isinstance(key, str) and not hasattr(type(adapter), key):
                setattr(adapter, key, value)


def json_values(configuration):
    """The entries that JSON can hold, as JSON has them."""
    converted = {str(key): json_or_missing(value) for key, value in configuration.items()}
    return {key: value for key, value in converted.items() if value is not MISSING}


def json_of(configuration, what=None):
    """As `json_values`. With `what`, a value that JSON cannot hold raises, as it would be lost."""
    if what is not None:
        for key, value in configuration.items():
            if json_or_missing(value) is MISSING:
                raise TypeError(
                    "%s has a value of type %s under %r, which JSON cannot hold" % (what, type(value).__name__, key)
                )
    return json_values(configuration)


def json_or_missing(value):
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=plain))
    except (TypeError, ValueError):
        return MISSING


def copied(value):
    """A deep copy: the instance must not write into its class. Values that cannot be copied are shared."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value
