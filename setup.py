"""Puts configs/ into the package that is built, as normbench/configs; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

CONFIGS, VERDICTS = "normbench.configs", "normbench.configs.RESULTS"

setup(
    packages=[*find_packages(include=["normbench*"]), CONFIGS, VERDICTS],
    package_dir={CONFIGS: "configs", VERDICTS: "configs/RESULTS"},
    package_data={
        "normbench": ["py.typed", "report/charts/*.css", "report/pages/html/templates/*"],
        CONFIGS: ["*.yaml"],
        VERDICTS: ["verdicts.json"],
    },
    include_package_data=False,  # MANIFEST.in also takes the pictures along
)
