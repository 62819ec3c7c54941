"""Puts configs/ into the package that is built, as normbench/configs; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

CONFIGS = "normbench.configs"

setup(
    packages=[*find_packages(include=["normbench*"]), CONFIGS],
    package_dir={CONFIGS: "configs"},
    package_data={"normbench": ["py.typed"], CONFIGS: ["*.yaml", "RESULTS/verdicts.json"]},
)
