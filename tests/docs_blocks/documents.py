"""Where each section of the five documents is tested: its config, its command and its tests."""

from typing import NamedTuple

from docs_blocks.markdown import table


class Section(NamedTuple):
    """One or more sections of the documents.

    Attributes:
        where: The document's number, and the section.
        config: The name of a config, or in words which configs it is.
        commands: What to run for it.
        tests: The files of tests that quote it.
    """

    where: str
    config: str
    commands: tuple[str, ...]
    tests: tuple[str, ...]


REGULARIZATION = "test_documents_regularization.py"
WEIGHTS_AND_STYLES = "test_documents_weights_and_styles.py"
NUMBERS, NUMBERS_MORE = "test_documents_numbers.py", "test_documents_numbers_more.py"
LENET_BN = "normbench run lenet_bn --set"
STANDARDIZED = f"{LENET_BN} norm=group_norm --set weight_parametrization=weight_standardization"
EACH_NORM = "1 (2.1 to 2.4), 2 (BatchNorm1d to Group Normalization), 3 (BN, LN, IN, GN): what each layer computes"
SECTIONS = [
    Section("2, weight decay", "weight_decay", (), (REGULARIZATION,)),
    Section("2, Dropout", "dropout", (), (REGULARIZATION,)),
    Section("2, Dropout: eval and train mode", "dropout_scale", (), (REGULARIZATION,)),
    Section("2, Batch Normalization: the scale of each layer", "deep_mlp", (), ("test_deep_mlp.py",)),
    Section("2, Batch Normalization: LeNet on banknotes", "lenet_banknotes", (), ("test_model_contract.py",)),
    Section(
        EACH_NORM,
        "any, with `norm:`",
        ("normbench explain group_norm", f"{LENET_BN} norm=group_norm"),
        ("test_norm_contract.py", NUMBERS),
    ),
    Section(
        "1, SwitchableNorm",
        "any, with `norm: switchable_norm`",
        ("normbench explain switchable_norm",),
        ("test_switchable_norm.py",),
    ),
    Section(
        "3, GN+WS",
        "any, with `norm: group_norm` and `weight_parametrization: weight_standardization`",
        (STANDARDIZED,),
        (WEIGHTS_AND_STYLES,),
    ),
    Section("4, by hand against torch", "none", ("normbench explain batch_norm",), (NUMBERS_MORE,)),
    Section(
        "5 (2.2), checkpointing",
        "any, with `checkpointing: true`",
        (f"{LENET_BN} checkpointing=true",),
        ("test_recompute.py", NUMBERS_MORE),
    ),
    Section(
        "5 (3), AdaIN and IBN-Net",
        "any image data, with `norm: adain` or `norm: ibn`",
        ("normbench explain adain", "normbench explain ibn"),
        ("test_adain.py", "test_ibn.py"),
    ),
    Section("5 (2.1), momentum", "any, with `norm.momentum`", (f"{LENET_BN} norm.momentum=0.01",), (NUMBERS,)),
]


def sections() -> str:
    """Every section with what tests it."""
    return table("document, section", "config", "command", "tests", rows=[row(one, "../") for one in SECTIONS])


def row(section: Section, up: str) -> tuple[str, ...]:
    """One row; the config is a link if it is a file, which `up` leads to."""
    where, config, commands, tests = section
    if not commands:
        commands = (f"normbench run {config}",)
        config = f"[`{config}`]({up}configs/{config}.yaml)"
    return where, config, quoted(commands), quoted(tests)


def quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
