"""Sums of squares: torch's bits, and derivatives that are right at zero, under every transform of torch.func."""

import pytest
import torch
from torch.func import grad, hessian, jvp, vmap

from normbench.norms._sum_of_squares import sum_of_squares

# torch warns of itself where it loads its forward derivatives.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


def squared_norm(x, dims):
    return torch.linalg.vector_norm(x, dim=dims, keepdim=True).square()


def values(*shape, dtype=torch.float32):
    """Draw values, some rows of which are 0."""
    x = torch.randn(shape, dtype=dtype)
    x[0, 0] = 0
    return x


@pytest.mark.parametrize("dims", [(2,), (1, 2)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_sums_and_gradients_are_those_of_torch_bit_for_bit(dims, create_graph):
    x = values(4, 6, 99).requires_grad_()
    sums, expected = sum_of_squares(x, dims), squared_norm(x, dims)
    cotangent = torch.randn_like(sums)
    gradients = [torch.autograd.grad(y, x, cotangent, create_graph=create_graph)[0] for y in (sums, expected)]
    assert torch.equal(sums, expected)
    assert torch.equal(*gradients)


def test_first_and_second_derivatives_are_those_of_finite_differences():
    x = values(3, 4, 5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: sum_of_squares(x, (2,)), (x,), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda x: sum_of_squares(x, (2,)), (x,))


def test_the_second_derivative_is_2_at_zero():
    assert torch.equal(hessian(lambda x: sum_of_squares(x, (0,)).sum())(torch.zeros(3)), 2 * torch.eye(3))


def test_it_works_under_the_transforms_of_torch():
    x, tangent = values(2, 3, 5), torch.randn(2, 3, 5)
    torch.testing.assert_close(vmap(grad(lambda x: sum_of_squares(x, (1,)).sum()))(x), 2 * x)
    sums, change = jvp(lambda x: sum_of_squares(x, (2,)), (x,), (tangent,))
    torch.testing.assert_close(sums, squared_norm(x, (2,)))
    torch.testing.assert_close(change, 2 * (x * tangent).sum(2, keepdim=True))
