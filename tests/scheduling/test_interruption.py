"""A first signal is noted and never raised; a second does what it did before; an ignored one stays ignored."""

import os
import signal
import weakref

import pytest

from normbench.scheduling.interruption import NOTICE, SIGNALS, Interruption


@pytest.fixture(autouse=True)
def heard():
    """Let signals raise, also where the tests are a background job of a shell, which ignores Ctrl-C."""

    def hear(number, _):
        raise KeyboardInterrupt(number)

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    yield hear
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_does_what_it_did_before(number, heard):
    wish, said = Interruption(), []
    wish.say = said.append
    with wish.listening():
        os.kill(os.getpid(), number)
        assert (wish.is_asked, said) == (True, [NOTICE])
        with pytest.raises(KeyboardInterrupt, match=str(int(number))):
            os.kill(os.getpid(), number)
    assert [signal.getsignal(number) for number in SIGNALS] == [heard, heard]
    with pytest.raises(KeyboardInterrupt):
        wish.raise_if_asked()


def test_a_signal_inside_a_callback_where_python_drops_exceptions_is_not_lost():
    class Anything:
        pass

    wish, thing = Interruption(), Anything()
    with wish.listening():
        kept = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
        del thing
        assert kept() is None
    assert wish.is_asked


def test_without_a_signal_nothing_is_raised(heard):
    wish = Interruption()
    with wish.listening():
        assert signal.getsignal(signal.SIGINT) != heard
    wish.raise_if_asked()
    assert signal.getsignal(signal.SIGINT) == heard


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wish = Interruption()
    with wish.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert not wish.is_asked
        os.kill(os.getpid(), signal.SIGTERM)
        assert wish.is_asked
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
