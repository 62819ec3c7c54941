"""normbench audit and run on networks of a user's own: what is swapped, taken over, kept and refused, as it is read."""

import json
import re

from command_line import normbench
from own_nets import GROUPS, write_study


def audit(path, *options):
    code, out, err = normbench("audit", path, *options)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    return out


def refusal(path):
    """The line that a study which cannot be run gets, whole, from run and audit alike."""
    code, out, err = normbench("run", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert (2, "", err) == normbench("audit", path)
    return err


def sites(path):
    return json.loads(normbench("audit", path, "--json").out)["audits"][0]["audit"]["sites"]


def test_twenty_norms_are_swapped_each_called_once_and_the_check_of_the_same_kind_is_bit_equal(tmp_path):
    path = write_study(tmp_path, "resnet18", {"gn": {"name": "group_norm", "num_groups": 32}})
    out = audit(path)
    (first, *titles), rows = out.splitlines()[:3], [line.split() for line in out.splitlines() if "BatchNorm2d" in line]
    assert first == "gn: norm group_norm"
    assert titles[-1].split()[:5] == ["path", "class", "calls", "sees", "C"]
    assert [row[-1] for row in rows] == ["32x1", "32x2", "32x2", "32x2"]
    assert {row[row.index("BatchNorm2d") + 1] for row in rows} == {"1"}
    told = " ".join(out.splitlines()[-2:])
    assert re.fullmatch(r"20 norms found, 20 swapped, 0 kept; parameters (\S+) -> \1; same-kind check: bit-equal", told)
    assert len(audit(path, "--details").splitlines()) >= 22


def test_channels_that_groups_do_not_divide_are_refused_all_at_once_with_their_places(tmp_path):
    err = refusal(write_study(tmp_path, "mobilenet", {"gn": {"name": "group_norm", "num_groups": 32}}))
    assert "study.yaml:" in err
    assert "norm.num_groups" in err
    for channels in (16, 24, 40, 48, 72, 88, 120, 144, 240):
        assert f"{channels}" in err
    assert "at_most: 32" in err


def test_eps_and_momentum_are_taken_over_from_the_norms_that_are_replaced(tmp_path):
    tables = audit(write_study(tmp_path, "Cnn", {"gn": GROUPS, "bn": "batch_norm"}), "--details").split("\n\n")
    assert [table.splitlines()[0] for table in tables] == ["gn: norm group_norm", "bn: norm batch_norm"]
    assert sum("0.001 - yes" in line for line in tables[0].splitlines()) == 2
    assert sum("0.001 0.01 yes" in line for line in tables[1].splitlines()) == 2


def test_a_transformer_with_another_norm_is_trained_and_evaluated(tmp_path):
    path = write_study(tmp_path, "Encoder", {"other": "rms_norm"}, recording={"tensorboard": False})
    code, _, err = normbench("run", path)
    assert (code, "failed" in err) == (0, False)
    assert "study: 4 norms swapped in place (other); same-kind check: bit-equal." in " ".join(err.split())


def test_norms_of_functions_are_counted_where_there_are_no_others(tmp_path):
    err = refusal(write_study(tmp_path, "Func", {"gn": GROUPS}))
    assert "0 were found; 2 norm operations run inside Func.forward (layer_norm)" in err


def test_norms_of_functions_beside_others_are_said_not_to_be_swapped(tmp_path):
    path = write_study(tmp_path, "HalfFunc", {"rms": {"name": "rms_norm", "over": "position"}})
    assert "2 norm operations run inside HalfFunc.forward (layer_norm): not swapped" in " ".join(audit(path).split())
    _, _, err = normbench("run", path, "--dry-run")
    assert "study: warning: norms are left that are no modules: 2 norm operations run inside" in " ".join(err.split())


def test_a_norm_under_two_names_stays_one_and_is_called_twice(tmp_path):
    path = write_study(tmp_path, "Shared", {"gn": GROUPS})
    (site,) = sites(path)
    assert (site["path"], site["aliases"], site["calls"]) == ("norm", ["again"], 2)
    out = audit(path)
    assert "norm: called 2 times" in out
    assert "1 norm found, 1 swapped" in out


def test_a_norm_that_no_module_holds_is_refused(tmp_path):
    err = refusal(write_study(tmp_path, "InAList", {"gn": GROUPS}))
    assert "one (BatchNorm2d) is called, but no module holds it, as in a plain Python list" in err


def test_positions_of_a_causal_network_are_refused_to_be_mixed(tmp_path):
    data = {"name": "sequences", "longer_by": 1}
    path = write_study(tmp_path, "Sequences", {"kept": "kept", "gn": GROUPS}, data=data, settings={"causal": True})
    err = refusal(path)
    assert err.startswith(f"{path}:")
    assert "norm.name: must not mix positions of a causal network; behind norm1 position 0 moves by 0." in err
    assert "or swap: {mix_positions: true} if that is meant." in err


def test_a_branch_of_one_value_per_statistic_is_refused_with_its_place(tmp_path):
    err = refusal(write_study(tmp_path, "Pooled", {"gn": {"name": "group_norm", "channels_per_group": 1}}))
    assert "branch_norm" in err


def test_where_all_norms_are_kept_they_are_listed(tmp_path):
    out = audit(write_study(tmp_path, "Cnn", {"kept": "kept"}))
    assert "2 norms found, 0 swapped, 2 kept" in out


def test_normbenchs_own_models_have_nothing_to_audit(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("model: lenet\nnorm: batch_norm\ndataset: banknotes\n")
    assert audit(path).startswith("study: its networks are normbench's own, built with the norm that is named")


def test_a_norm_of_the_users_own_takes_the_place_too(tmp_path):
    path = write_study(tmp_path, "Cnn", {"own": {"name": "own", "layer": "my_nets:Scaled"}})
    module = tmp_path / "my_nets.py"
    scaled = "class Scaled(nn.GroupNorm):\n    def __init__(self, c):\n        super().__init__(2, c)"
    module.write_text(f"{module.read_text()}\n\n{scaled}\n")
    out = audit(path)
    assert "Scaled" in out
    assert "2 norms found, 2 swapped" in out
