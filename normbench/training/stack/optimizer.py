"""StackedOptimizer: the step of several networks at once, one call for neighbours with the same numbers."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from torch import Tensor, nn
from torch.optim import Optimizer

from normbench.stacking import joined_as_views
from normbench.study.config import RunConfig
from normbench.training.loop import add_l1_gradient, set_lr
from normbench.training.training_objects import Penalty, Training

State = dict[str, Tensor]
"""What an optimizer keeps of one parameter, by name."""


class StackedOptimizer:
    """Steps stacked parameters, and shares what it keeps of them with the members' own optimizers.

    So a member's own optimizer can make a step between two of the stack's.

    Args:
        parameters: The stacked parameters, (S, *), in the order of each member's own.
        members: The objects of each slot, all of one kind.
        configs: The settings of each slot.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], members: Sequence[Training], configs: Sequence[RunConfig]
    ) -> None:
        states = [_states_of(member, config) for member, config in zip(members, configs, strict=True)]
        joined = [_joined([own[place] for own in states]) for place in range(len(parameters))]
        decays = {id(parameter) for parameter in members[0].penalty.parameters}
        is_decayed = [id(own) in decays for own in members[0].parameters]
        self._blocks, first = [], 0
        for _, same in groupby(configs, _numbers):
            config, *rest = same
            end = first + 1 + len(rest)
            self._blocks.append(_Block(config, members[first:end], slice(first, end), parameters, joined, is_decayed))
            first = end

    def step(self, step: int) -> None:
        """Make the step of every slot by the gradients of the stacked parameters; ``step`` updates were made so far."""
        for block in self._blocks:
            block.step(step)

    def tell_members(self) -> None:
        """Tell the members' own optimizers how many steps were made, and the learning rate of the last."""
        for block in self._blocks:
            block.tell_members()

    def ask_members(self, slots: Sequence[int]) -> None:
        """Take how many steps were made from the members in these slots, which have all made the last one."""
        for block in self._blocks:
            block.ask_members(slots)


def _numbers(config: RunConfig) -> tuple[object, ...]:
    return config.optimizer, config.lr, config.weight_decay, config.l1


def _states_of(member: Training, config: RunConfig) -> list[State]:
    """Return what the member's optimizer keeps of each parameter, as it is before a first step if none was made."""
    for parameter in member.parameters:
        if not member.optimizer.state.get(parameter):
            new = config.optimizer.new_state(parameter.detach())
            assert new is not None, "stackable.obstacle() refuses such optimizers"
            member.optimizer.state[parameter] = new
    return [member.optimizer.state[parameter] for parameter in member.parameters]


def _joined(states: Sequence[Mapping[str, Tensor]]) -> State:
    """Return the tensors of all members as one each, without counts of steps, of which each block has its own."""
    names = [name for name, value in states[0].items() if _has_axes(value)]
    return {name: joined_as_views([own[name] for own in states]) for name in names}


def _has_axes(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() > 0


class _Block:
    """Neighbouring slots with the same numbers, which one optimizer steps."""

    def __init__(
        self,
        config: RunConfig,
        members: Sequence[Training],
        slots: slice,
        parameters: Sequence[nn.Parameter],
        states: Sequence[State],
        is_decayed: Sequence[bool],
    ) -> None:
        self._members, self._slots, self._sources = members, slots, parameters
        is_all = slots == slice(0, len(parameters[0]))
        self._own = [p if is_all else nn.Parameter(p.detach()[slots]) for p in parameters]
        decayed = [own for own, decays in zip(self._own, is_decayed, strict=True) if decays]
        spared = [own for own, decays in zip(self._own, is_decayed, strict=True) if not decays]
        groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": spared, "weight_decay": 0.0}]
        self._optimizer: Optimizer = config.optimizer.build([one for one in groups if one["params"]], config.lr)
        self._lr_of_step = config.lr_of_step()
        self._penalty = Penalty(config.l1, decayed)
        self._counts: list[State] = []
        for own, state, of_member in zip(self._own, states, members[0].parameters, strict=True):
            known = members[0].optimizer.state[of_member].items()
            counts = {name: value.clone() for name, value in known if isinstance(value, Tensor) and not value.dim()}
            self._optimizer.state[own] = {name: value[slots] for name, value in state.items()} | counts
            self._counts.append(counts)

    def step(self, step: int) -> None:
        for own, source in zip(self._own, self._sources, strict=True):
            if own is not source:
                assert source.grad is not None, "every parameter takes part in the loss"
                own.grad = source.grad[self._slots]
        if self._penalty.strength:
            add_l1_gradient(self._penalty.parameters, self._penalty.strength)
        set_lr(self._optimizer, self._lr_of_step, step)
        self._optimizer.step()

    def tell_members(self) -> None:
        lr = self._optimizer.param_groups[0]["lr"]
        for member in self._members:
            for group in member.optimizer.param_groups:
                group["lr"] = lr
            for counts, parameter in zip(self._counts, member.parameters, strict=True):
                for name, value in counts.items():
                    member.optimizer.state[parameter][name].copy_(value)

    def ask_members(self, slots: Sequence[int]) -> None:
        mine = [slot for slot in slots if slot in range(self._slots.start, self._slots.stop)]
        if mine:
            member = self._members[mine[0] - self._slots.start]
            for counts, parameter in zip(self._counts, member.parameters, strict=True):
                for name, value in counts.items():
                    value.copy_(member.optimizer.state[parameter][name])
