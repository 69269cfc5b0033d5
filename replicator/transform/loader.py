"""Reads the Python files of a migration by path, without installing them."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path

from replicator.errors import ConfigError
from replicator.transform.declarations import Declarations, _collecting


def load(path: Path) -> Declarations:
    """Run the file, or every `*.py` of the folder in name order, and return what they declare.

    Files of a folder can import each other by name. Raises ConfigError with file and line of whatever goes wrong.
    """
    if path.is_dir():
        files = sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
    elif path.is_file():
        files = [path]
    else:
        raise ConfigError(f"{path}: no such file or folder; set [migration] transforms to where the transforms are")
    if not files:
        raise ConfigError(f"{path}: no Python files here; put one with @transform functions into it")
    declarations = Declarations()
    token = _collecting.set(declarations)
    folder = str(files[0].parent)
    sys.path.insert(0, folder)
    try:
        for file in files:
            _run(file)
    finally:
        sys.path.remove(folder)
        _collecting.reset(token)
    return declarations


def fingerprint(path: Path) -> str:
    """The same for two processes exactly when they load the same files."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
        content = file.read_bytes()
        digest.update(f"{len(file.name)} {file.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _run(file: Path) -> None:
    name = f"replicator_transforms.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except SyntaxError as error:
        raise ConfigError(f"{error.filename}:{error.lineno}: {error.msg}") from None
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        line = frames[-1].lineno if frames else 1
        raise ConfigError(f"{file}:{line}: {type(error).__name__}: {error}") from None
