"""The same plugin, which writes nothing, in every language: built, each beside its manifest."""

import json
import os
import shutil
import subprocess

TREE = os.path.abspath(os.path.dirname(__file__) + "/../..")
SDK = TREE + "/Plugins/sdk"
SOURCES = TREE + "/Tests/Benchmarks/null-writers"


def manifest(folder, **members):
    """Writes null.json, and returns its path."""
    form = {"help": "nothing at all", "extensions": [], "modes": ["write"], "output": ["file"]}
    names = members.pop("formats", ["null"])
    value = {"manifest": 1, "name": "null", "version": "0.1.0", "executable": "null",
             "protocol": [1], "formats": [{"name": name, **form} for name in names], **members}
    path = folder + "/null.json"
    with open(path, "w") as file:
        json.dump(value, file)
    os.chmod(path, 0o644)
    return path


def build_python(folder, _):
    for path in (SDK + "/python/sluice.py", SOURCES + "/null.py"):
        shutil.copy(path, folder)
    os.chmod(folder + "/null.py", 0o755)
    return manifest(folder, executable="null.py", profile="python",
                    interpreter="/usr/bin/python3", formats=["null", "dev-null"])


def build_c(folder, _):
    path = manifest(folder)
    subprocess.run(
        ["cc", "-std=gnu11", "-O2", "-static", "-I", SDK + "/c", "-o", folder + "/null",
         SOURCES + "/null.c", SDK + "/c/sluice.c"], check=True, cwd=folder)
    return path


def build_rust(folder, _):
    path = manifest(folder)
    static = "-C target-feature=+crt-static"
    target = folder + "/target"
    subprocess.run(
        ["cargo", "build", "--quiet", "--offline", "--release", "--lib", "--target-dir", target],
        check=True, cwd=SDK + "/rust", env={**os.environ, "RUSTFLAGS": static})
    subprocess.run(
        ["rustc", "--edition", "2021", "-O", *static.split(" ", 1), "-o", folder + "/null",
         "--extern", f"sluice_plugin={target}/release/libsluice_plugin.rlib",
         SOURCES + "/null.rs"], check=True, env={**os.environ, "NULL_MANIFEST": path})
    return path


def build_swift(folder, sluice):
    """The one of the build, which WriterKit is in."""
    shutil.copy(os.path.dirname(sluice) + "/sluice-null-writer", folder + "/null")
    return manifest(folder)


def build_all(work, sluice):
    """Manifests by language; without Rust where there is none."""
    builders = {"swift": build_swift, "c": build_c, "python": build_python, "rust": build_rust}
    if not shutil.which("cargo"):
        del builders["rust"]
        print("     without Rust: there is no cargo")
    paths = {}
    for language, build in builders.items():
        folder = f"{work}/{language}"
        os.makedirs(folder, mode=0o755)
        paths[language] = build(folder, sluice)
    return paths
