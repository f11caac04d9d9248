"""Reads an adapter's sources without running them: what it imports and which methods it has. Standard library only; run with -c, too."""

import ast
import importlib.util
import inspect
import json
import os
import sys
import textwrap

METHODS = ("load", "prepare", "train", "predict", "save", "convert", "convert_back")
# Either name is the conversion of a class of the Dataloop SDK.
SDK_CONVERSIONS = ("convert_from_dtlpy", "convert")
SDK_BASES = ("BaseModelAdapter", "SuperModelAdapter")
PLAIN_BASES = ("object", "ABC")
MAX_FILES = 500


def implements(adapter_class, name):
    """Whether the class, or a base that is not the SDK's, has the method with more in it than `raise NotImplementedError`."""
    for each in adapter_class.__mro__:
        if each is object or each.__module__.split(".")[0] == "dtlpy" or each.__name__ in SDK_BASES:
            continue
        if name in vars(each):
            return not only_raises(vars(each)[name])
    return False


def only_raises(function):
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return False
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_missing(node)


def is_missing(node):
    """True of a body that is a docstring and `raise NotImplementedError(...)`."""
    body = [each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Raise):
        return False
    raised = body[0].exc
    return name_of(raised.func if isinstance(raised, ast.Call) else raised) == "NotImplementedError"


def name_of(node):
    """The last part of a dotted name; None for any other expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


class Sources:
    """The Python files of a codebase that can be reached from one of them by imports, parsed once each."""

    def __init__(self, directory, entry):
        self._folders = list(dict.fromkeys([os.path.dirname(entry), directory]))
        self._parsed = {}

    def parse(self, path):
        if path not in self._parsed:
            with open(path, "rb") as file:
                self._parsed[path] = ast.parse(file.read(), path)
        return self._parsed[path]

    def try_parse(self, path):
        """None for a file that cannot be parsed: an import of it may be guarded, or never run."""
        try:
            return self.parse(path)
        except (OSError, SyntaxError, ValueError):
            return None

    def find(self, module, importer, level=0):
        """Path of the module's file in the codebase; None for a package from elsewhere."""
        parts = module.split(".") if module else []
        if level > 0:
            folder = os.path.dirname(importer)
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            folders = [folder]
        else:
            folders = self._folders
        for folder in folders:
            stem = os.path.join(folder, *parts)
            for path in (stem + ".py", os.path.join(stem, "__init__.py")):
                if os.path.isfile(path):
                    return path
        return None

    def is_local(self, name):
        """A folder without an __init__.py can be imported too."""
        return any(os.path.isfile(os.path.join(f, name + ".py")) or os.path.isdir(os.path.join(f, name)) for f in self._folders)


def imports_of(tree):
    """(module, level, names, whether it must succeed) of every import in the file."""
    guarded = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(catches_import_error(each) for each in node.handlers):
            guarded.update(each for child in node.body for each in ast.walk(child))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.name, 0, [], node not in guarded
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level, [each.name for each in node.names], node not in guarded


def catches_import_error(handler):
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(name_of(each) in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException") for each in types)


def external_imports(sources, entry):
    """Top-level names of the packages that the files need, from outside the codebase."""
    found = set()
    waiting, seen = [entry], {entry}
    while waiting and len(seen) <= MAX_FILES:
        path = waiting.pop()
        tree = sources.try_parse(path)
        if tree is None:
            continue
        for module, level, names, is_needed in imports_of(tree):
            parts = module.split(".") if module else []
            # Importing a.b runs a as well.
            targets = [(".".join(parts[: count + 1]), level) for count in range(len(parts))] or [("", level)]
            targets += [(".".join(parts + [name]), level) for name in names]
            files = [sources.find(target, path, depth) for target, depth in targets if target or depth]
            new = [each for each in files if each is not None and each not in seen]
            seen.update(new)
            waiting.extend(new)
            top = module.split(".")[0]
            if level == 0 and is_needed and top and not sources.is_local(top):
                found.add(top)
    return sorted(found)


class Members:
    """Names that a class or a module defines, as far as its source shows."""

    def __init__(self):
        self.names = set()
        self.missing = set()
        self.is_sdk = False
        # False where names may come from what is not read here.
        self.is_complete = True

    def add(self, name, is_missing_method=False):
        """The first definition counts: bases are read after their class."""
        if name not in self.names and name not in self.missing:
            (self.missing if is_missing_method else self.names).add(name)

    def read_body(self, body):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.add(node.name, is_missing(node))
            elif isinstance(node, ast.ClassDef):
                self.add(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for each in ast.walk(target):
                        if isinstance(each, ast.Name):
                            self.add(each.id)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for each in node.names:
                    if each.name == "*":
                        self.is_complete = False
                    else:
                        self.add((each.asname or each.name).split(".")[0])
            else:
                for field in ("body", "orelse", "finalbody"):
                    self.read_body(getattr(node, field, None) or [])
                for handler in getattr(node, "handlers", None) or []:
                    self.read_body(handler.body)
        if "__getattr__" in self.names:
            self.is_complete = False


def classes_of(tree):
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def read_class(sources, path, name, members, seen):
    """Adds what the class and its bases define. False when there is no such class to read."""
    if (path, name) in seen:
        return True
    seen.add((path, name))
    tree = sources.try_parse(path)
    node = classes_of(tree).get(name) if tree is not None else None
    if node is None:
        origin = origin_of(sources, path, tree, name) if tree is not None else None
        return origin is not None and read_class(sources, origin[0], origin[1], members, seen)
    members.read_body(node.body)
    if any(keyword.arg == "metaclass" and name_of(keyword.value) != "ABCMeta" for keyword in node.keywords):
        members.is_complete = False
    # Decorators of the SDK hand the class back.
    if any(not decorates_package(each) for each in node.decorator_list):
        members.is_complete = False
    for base in node.bases:
        base_name = name_of(base)
        if base_name in SDK_BASES:
            members.is_sdk = True
        elif base_name in PLAIN_BASES:
            continue
        elif not isinstance(base, ast.Name) or not read_class(sources, path, base_name, members, seen):
            members.is_complete = False
    return True


def decorates_package(node):
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and node.id in ("dl", "dtlpy")


def origin_of(sources, path, tree, name):
    """The file of the codebase that an imported class comes from, and its name there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                if (each.asname or each.name) == name:
                    found = sources.find(node.module or "", path, node.level)
                    if found is not None:
                        return found, each.name
    return None


def offered(members):
    names = members.names
    if members.is_sdk:
        own = [each for each in METHODS if each in names and each not in ("prepare", "convert", "convert_back")]
        return own + (["convert"] if any(each in names for each in SDK_CONVERSIONS) else [])
    return [each for each in METHODS if each in names]


def read_source(directory, entry_point, class_name):
    """What Python finds out about an adapter without running it."""
    entry = os.path.join(directory, *entry_point.split("/"))
    report = {
        "problem": None,
        "imports": [],
        "installed": [],
        "isSdk": False,
        "methods": [],
        "isComplete": False,
        "classes": [],
    }
    if not os.path.isfile(entry):
        return dict(report, problem="its file is not in the codebase")
    sources = Sources(directory, entry)
    try:
        tree = sources.parse(entry)
    except (SyntaxError, ValueError) as error:
        # A later Python than this one may run it.
        return dict(report, syntaxError="%s (line %s)" % (error, getattr(error, "lineno", "?")))
    report["imports"] = external_imports(sources, entry)
    report["installed"] = [each for each in report["imports"] if is_installed(each)]
    report["classes"] = adapter_classes(sources, entry, tree)
    members = Members()
    module = Members()
    module.read_body(tree.body)
    is_class = class_name in classes_of(tree)
    is_found = read_class(sources, entry, class_name, members, set())
    if not is_found and class_name in module.names:
        # Imported from a package, or made by a call.
        return report
    if not is_found:
        members = module
        # Functions that only raise count at run time, too, for a module.
        if not any(each in module.names for each in ("predict", "train", "load")):
            if not module.is_complete:
                return report
            classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
            problem = "it has no class %s and no functions load, train, predict and save; its classes are: %s"
            return dict(report, problem=problem % (class_name, ", ".join(classes) or "none"))
    # A class that an `if` or a function makes may be another one at run time.
    is_top = not is_class or any(isinstance(node, ast.ClassDef) and node.name == class_name for node in tree.body)
    methods = offered(members)
    is_complete = members.is_complete and is_top
    if is_complete and not methods:
        report["problem"] = "%s has none of the methods %s" % (class_name, ", ".join(METHODS))
    return dict(report, isSdk=members.is_sdk, methods=methods, isComplete=is_complete)


def adapter_classes(sources, entry, tree):
    """Classes of the file that derive from the SDK's, or have a method that only adapters have."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            members = Members()
            read_class(sources, entry, node.name, members, set())
            methods = offered(members)
            if members.is_sdk or "predict" in methods or "train" in methods:
                found.append({"name": node.name, "isSdk": members.is_sdk, "methods": methods})
    return found


def is_installed(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


if __name__ == "__main__" and len(sys.argv) == 4:
    print(json.dumps(read_source(os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3])))
