"""Imports a module as somebody who uses it does, and answers with what was found."""
import sys


def main():
    import importlib
    import importlib.machinery
    import importlib.metadata
    import json
    import os

    asked = json.loads(sys.stdin.readline())
    # The module may print, and close, what it likes.
    out = os.fdopen(os.dup(1), "w")
    say, dumps, real, leave = out.write, json.dumps, os.path.realpath, os._exit
    root = real(asked["root"])
    if asked["path"] is not None:
        sys.path.insert(0, real(os.path.join(root, asked["path"])))
    answer = {}

    def end():
        say("\n" + asked["word"] + dumps(answer) + "\n")
        out.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        leave(0)

    try:
        module = importlib.import_module(asked["package"])
    except BaseException as e:
        if isinstance(e, SystemExit):
            answer["error"] = "it ends the program"
        else:
            answer["error"] = "%s: %s" % (type(e).__name__, e)
        end()

    module = sys.modules.get(asked["package"], module)
    spec = getattr(module, "__spec__", None)
    place = getattr(spec, "origin", None) or getattr(module, "__file__", None)
    loader = getattr(spec, "loader", None)
    if place in (None, "built-in", "frozen", "namespace"):
        folders = list(getattr(module, "__path__", []) or [])
        if folders:
            answer["hollow"] = "is a folder without a module: " + str(folders[0])
        else:
            answer["outside"] = str(place)
    elif isinstance(loader, importlib.machinery.SourcelessFileLoader):
        answer["hollow"] = "has compiled bytes and no source"
    else:
        place = real(place)
        if place.startswith(root + os.sep):
            answer["from"] = place[len(root) + 1:]
        else:
            answer["outside"] = place

    def find(name):
        at = module
        for part in name.split("."):
            at = getattr(at, part)
        return at

    missing = []
    for name in asked["names"]:
        try:
            if find(name) is None:
                missing.append(name + " (it is None)")
        except BaseException:
            try:
                importlib.import_module(asked["package"] + "." + name)
            except BaseException:
                missing.append(name)
    answer["missing"] = missing
    try:
        find(asked["nobody"])
        answer["answers_any"] = True
    except BaseException:
        pass

    if asked["version"] is not None:
        versions = []
        top = asked["package"].split(".")[0]
        own = getattr(sys.modules.get(top), "__version__", None)
        if own is not None:
            versions.append(str(own))
        try:
            for name in set(importlib.metadata.packages_distributions().get(top, [])):
                versions.append(importlib.metadata.version(name))
        except BaseException:
            pass
        try:
            import tomllib
            folder = os.path.join(root, asked["path"] or ".")
            while True:
                manifest = os.path.join(folder, "pyproject.toml")
                if os.path.isfile(manifest):
                    with open(manifest, "rb") as file:
                        said = tomllib.load(file).get("project", {}).get("version")
                    if said is not None:
                        versions.append(str(said))
                    break
                if real(folder) == root:
                    break
                folder = os.path.join(folder, os.pardir)
        except BaseException:
            pass
        answer["versions"] = versions
    end()


main()
