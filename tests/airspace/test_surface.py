import airspace


def test_the_public_surface_is_as_written() -> None:
    public = {
        name for name, value in vars(airspace).items() if not name.startswith("_") and type(value) is not type(airspace)
    }
    assert public == set(airspace.__all__)


def test_the_public_surface_is_sorted_and_says_each_name_once() -> None:
    assert len(set(airspace.__all__)) == len(airspace.__all__)
    constants = [name for name in airspace.__all__ if name.isupper()]
    classes = [name for name in airspace.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in airspace.__all__ if name[0].islower()]
    assert list(airspace.__all__) == sorted(constants) + sorted(classes) + sorted(functions)
