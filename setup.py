"""Puts configs/ into the package that is built, as normbench/configs; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

CONFIGS, VERDICTS, CHINESE = "normbench.configs", "normbench.configs.RESULTS", "normbench.configs.zh"

setup(
    packages=[*find_packages(include=["normbench*"]), CONFIGS, VERDICTS, CHINESE],
    package_dir={CONFIGS: "configs", VERDICTS: "configs/RESULTS", CHINESE: "docs/zh"},
    package_data={
        "normbench": ["py.typed", "report/charts/*.css", "report/pages/html/templates/*"],
        CONFIGS: ["*.yaml"],
        VERDICTS: ["verdicts.json"],
        CHINESE: ["translations.yaml"],
    },
    include_package_data=False,  # MANIFEST.in also takes the pictures along
)
