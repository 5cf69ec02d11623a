import pytest
import torch

from anystar.synth.separable import gaussian_matrix, separable


@pytest.mark.parametrize("shape", [(140, 70, 200), (20, 128, 129)])
def test_long_axes_give_the_product_of_whole_matrices(shape):
    generator = torch.Generator().manual_seed(0)
    field = torch.rand((2, 3, *shape), generator=generator)
    matrices = [gaussian_matrix(torch.tensor([0.4, 6.0]), n) for n in shape]
    expected = torch.einsum("bcijk,bzi,byj,bxk->bczyx", field, *matrices)
    assert torch.allclose(separable(field, matrices), expected, atol=1e-5)
    shorter = [torch.rand((1, 130, n), generator=generator) * (torch.rand(n) > 0.5) for n in shape]
    shorter[0][:, :64] = 0  # a block of nothing
    expected = torch.einsum("bcijk,bzi,byj,bxk->bczyx", field, *(m.expand(2, -1, -1) for m in shorter))
    assert torch.allclose(separable(field, shorter), expected, rtol=1e-4, atol=1e-3)
