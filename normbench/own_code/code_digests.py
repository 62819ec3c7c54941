"""Identifies code of the user's: a digest of what each module says, and the versions of packages that it imports."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version

from normbench.errors import RunFailedError
from normbench.own_code.loaded_modules import OwnModule, own_modules
from normbench.own_code.syntax_digest import imported_packages, syntax_digest
from normbench.storage.identity import CODE, PACKAGE

TORCH = "torch"
LEFT_OUT = frozenset({TORCH, "normbench"})
"""Packages that are no part of a run's identity: torch's version is kept beside each result."""


def code_digests(modules: Iterable[OwnModule], named: Iterable[str]) -> dict[str, str]:
    """Return a digest of each module by its relative name, and the version of each installed package by its name.

    Packages are those that the modules import, wherever in their files, and what these need that is built on torch.

    Args:
        modules: Modules of the user's, loaded by a network, a norm or what else is made.
        named: Names of packages or modules that import paths begin with: timm of timm.models:create.
    """
    own = sorted((module for module in modules if module.code is not None), key=relative_name)
    found = {f"{CODE}{relative_name(module)}": syntax_digest(module.code or b"") for module in own}
    imported = {package for module in own for package in imported_packages(module.code or b"")}
    packages = (imported | set(named)) - {module.name.partition(".")[0] for module in own}
    return found | {f"{PACKAGE}{name}": number for name, number in sorted(_versions(packages).items())}


def refuse_other_code(planned: Mapping[str, str]) -> None:
    """Refuse to go on where a module of the user's was loaded that is another than when the runs were planned.

    Raises:
        RunFailedError: With the files.
    """
    loaded = [module for module in own_modules().values() if module.code is not None]
    found = {f"{CODE}{relative_name(module)}": syntax_digest(module.code or b"") for module in loaded}
    changed = sorted(name.removeprefix(CODE) for name in found.keys() & planned.keys() if found[name] != planned[name])
    if changed:
        rule = "must stay as the command found it until its runs are made, got it changed"
        raise RunFailedError(f"{', '.join(changed)}: {rule}. The same command makes new runs with it.")


def relative_name(module: OwnModule) -> str:
    """Return a module's file from the study file's folder, nets/blocks.py, or from that of its package elsewhere."""
    assert module.file is not None
    if module.file.is_relative_to(module.folder):
        return module.file.relative_to(module.folder).as_posix()
    path = module.name.replace(".", "/")
    return f"{path}/{module.file.name}" if module.file.stem == "__init__" else f"{path}{module.file.suffix}"


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """Return versions by the names that packages are installed by, with what they need that is built on torch."""
    found: dict[str, str] = {}
    waiting = [name for package in packages for name in _distributions(package)]
    while waiting:
        name = waiting.pop()
        if name in found or name in LEFT_OUT:
            continue
        found[name] = version(name)
        waiting += [need for need in _needs(name) if TORCH in _needs(need)]
    return found


@cache
def _distributions(package: str) -> tuple[str, ...]:
    """Return the names that a package is installed by, scikit-learn for sklearn; none if it is not."""
    try:
        version(package)
    except (PackageNotFoundError, ValueError):
        return tuple(sorted(set(packages_distributions().get(package, ()))))
    return (package,)


@cache
def _needs(name: str) -> frozenset[str]:
    """Return the names of the packages that an installed one always needs."""
    return frozenset(_required(name))


def _required(name: str) -> Iterator[str]:
    try:
        lines = requires(name) or ()
    except PackageNotFoundError:
        return
    for line in lines:
        found = re.match(r"[A-Za-z0-9._-]+", line)
        if found and "extra ==" not in line:
            yield re.sub(r"[-_.]+", "-", found.group()).lower()
