"Images side by side: digits in gray, signed numbers in two colors, and the errors a model is surest about"
import matplotlib.pyplot as plt
import pytest
import torch

from mnist37.pictures import show_errors, show_images, show_signed

plt.switch_backend('agg')
IMAGES = torch.rand(5, 28, 28, generator=torch.Generator().manual_seed(37))


def axes(): return plt.gcf().axes
def drawn(ax): return torch.tensor(ax.images[0].get_array())


def test_show_images():
    show_images(IMAGES, titles=list('abcde'), nrows=2)
    assert [ax.get_title() for ax in axes()] == [*'abcde', ''] and not any(ax.axison for ax in axes())
    fifth = axes()[4]
    assert torch.equal(drawn(fifth), IMAGES[4]) and fifth.images[0].get_cmap().name == 'Greys'
    assert plt.gcf().get_size_inches().tolist() == pytest.approx([3*1.2, 2*1.2*1.25])
    show_images((IMAGES[:1]*255).byte())
    assert [ax.images[0].get_clim() for ax in (fifth, axes()[0])] == [(0, 1), (0, 255)]  # the same scale for every image


def test_show_signed_has_one_scale_with_white_in_the_middle():
    show_signed([IMAGES[0] - 2, IMAGES[1]])
    for ax in axes(): assert ax.images[0].get_clim() == pytest.approx((IMAGES[0].min().item() - 2, 2 - IMAGES[0].min().item()))
    cmap = axes()[0].images[0].get_cmap()
    assert [plt.matplotlib.colors.to_hex(cmap(share)) for share in (0., .5, 1.)] == ['#f2913d', '#fefeff', '#1f4e9c']


def test_show_errors_draws_the_surest_first():
    show_errors(torch.tensor([.4, .9, .99, .51, .001]), IMAGES, torch.tensor([[1], [0], [1], [0], [1]]), n=3, nrows=1)
    assert [ax.get_title() for ax in axes()] == ['says 7: 99.9%', 'says 3: 90.0%', 'says 7: 60.0%']
    assert torch.equal(drawn(axes()[0]), IMAGES[4])
    with pytest.raises(ValueError, match='^no images to show$'): show_errors(torch.ones(5), IMAGES, torch.ones(5, 1))


@pytest.mark.parametrize('show', [show_images, show_signed])
def test_nothing_to_show_or_titles_that_do_not_match(show):
    with pytest.raises(ValueError, match='^no images to show$'): show([])
    with pytest.raises(ValueError, match='2 titles for 5 images'): show(IMAGES, ['a', 'b'])


def test_the_style_is_loaded_by_its_name_and_has_the_colors_of_3s_and_7s():
    with plt.style.context('mnist37.course'): colors = plt.rcParams['axes.prop_cycle'].by_key()['color']
    assert (colors[3], colors[7]) == ('#1f4e9c', '#f2913d')
