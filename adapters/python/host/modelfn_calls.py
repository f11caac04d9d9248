"""Calls of methods whose parameters had other names in other versions of the Dataloop SDK."""

import inspect

DATA_NAMES = ("data_path", "local_path")
OUTPUT_NAMES = ("output_path", "dump_path")


def call_convert(convert, data_path):
    call_by_place(convert, [(DATA_NAMES, data_path)], {})


def call_train(train, data_path, output_path, on_epoch_end_callback):
    extra = {"on_epoch_end_callback": on_epoch_end_callback}
    call_by_place(train, [(DATA_NAMES, data_path), (OUTPUT_NAMES, output_path)], extra)


def call_by_place(function, values, extra):
    """Passes each value under one of its names where the function has such a parameter, else by position. A function with
    `**kwargs` gets the values that are left under their first name, and `extra`."""
    parameters = inspect.signature(function).parameters.values()
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    names = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    keyword_only = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    given = {}
    left = []
    for known, value in values:
        name = next((each for each in known if each in names or each in keyword_only), None)
        if name is None:
            left.append((known[0], value))
        else:
            given[name] = value
    free = [name for name in names if name not in given]
    for (name, value), place in zip(left, free + [None] * len(left)):
        if place is not None:
            given[place] = value
        elif takes_any:
            given[name] = value
    for name, value in extra.items():
        if takes_any or name in names or name in keyword_only:
            given[name] = value
    positional = [given.pop(each.name) for each in parameters if each.kind is each.POSITIONAL_ONLY and each.name in given]
    function(*positional, **given)
