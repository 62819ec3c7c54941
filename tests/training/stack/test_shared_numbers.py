"""A run of a stack has an ordinary network and optimizer, whose numbers are the stack's: what one writes both have."""

import pytest
import torch
from stacked_runs import alike, config_of, tuned

from normbench.training.build import build_training
from normbench.training.stack.stack import Stack

pytestmark = pytest.mark.usefixtures("small_test_sets")


def stack_of(configs):
    members = [build_training(config, seed)[0] for seed, config in enumerate(configs)]
    return Stack(members, configs), members


def numbers_of(training):
    """Return parameters, buffers and what the optimizer keeps of parameters, by name."""
    states = [training.optimizer.state[parameter] for parameter in training.parameters]
    kept = {f"state {number} {name}": one for number, own in enumerate(states) for name, one in own.items()}
    return dict(training.model.named_parameters()) | dict(training.model.named_buffers()) | kept


def places(tensors):
    """Return where the numbers of tensors lie in memory."""
    starts = [(tensor.untyped_storage().data_ptr(), tensor.storage_offset()) for tensor in tensors]
    return [(*start, tensor.numel()) for start, tensor in zip(starts, tensors, strict=True)]


@pytest.mark.parametrize("configs", [alike(), tuned(), alike(optimizer={"name": "sgd", "lr": 0.1})])
def test_each_number_of_a_run_lies_in_a_tensor_of_the_stack(configs):
    stack, members = stack_of(configs)
    of_stack = {t.untyped_storage().data_ptr() for t in (*stack.network.parameters(), *stack.network.buffers())}
    for member in members:
        of_network = [*member.model.parameters(), *member.model.buffers()]
        assert all(tensor.untyped_storage().data_ptr() in of_stack for tensor in of_network)
    for name in numbers_of(members[0]):
        of_members = [numbers_of(member)[name] for member in members]
        if of_members[0].dim():
            assert len({storage for storage, *_ in places(of_members)}) == 1, name
            assert len(set(places(of_members))) == len(members), name


@pytest.mark.parametrize("configs", [alike(), tuned()])
def test_what_a_run_writes_the_next_step_of_the_stack_reads(configs):
    (stack, members), (other, others) = stack_of(configs), stack_of(configs)
    for each in (stack, other):
        each.step(0)
    with torch.no_grad():
        for tensor in numbers_of(others[2]).values():
            if tensor.is_floating_point() and tensor.dim():
                tensor.mul_(0.5)
    assert all(torch.equal(one, numbers_of(others[1])[name]) for name, one in numbers_of(members[1]).items())
    for each in (stack, other):
        each.step(1)
    for slot, member in enumerate(members):
        is_same = [torch.equal(one, numbers_of(others[slot])[name]) for name, one in numbers_of(member).items()]
        assert all(is_same) == (slot != 2)


def test_a_step_of_a_runs_own_optimizer_is_counted():
    stack, members = stack_of(alike())
    stack.step(0)
    stack.optimizer.tell_members()
    for member in members:
        batch = member.batches.next()
        member.loss(member.model(batch.x), batch.y).backward()
        member.optimizer.step()
    stack.optimizer.ask_members(range(len(members)))
    stack.step(2)
    stack.optimizer.tell_members()
    assert {one["step"].item() for member in members for one in member.optimizer.state.values()} == {3.0}


def test_settings_that_differ_in_more_than_numbers_have_other_keys():
    from normbench.training.stack.stackable import stack_key

    first = config_of()
    alike_in_kind = [
        config_of(optimizer={"name": "adam", "lr": 0.3}),
        config_of(weight_decay=0.1, l1=0.2),
        config_of(init_scale=2.0, replica=3),
    ]
    others = [config_of(dropout=0.1), config_of(batch_size=4), config_of(optimizer={"name": "adam", "beta1": 0.5})]
    assert {stack_key(config) for config in alike_in_kind} == {stack_key(first)}
    assert len({stack_key(config) for config in (first, *others)}) == 4
