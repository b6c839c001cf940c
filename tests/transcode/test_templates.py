import pytest

from gateway.transcode.templates import Table, Template, UnreadableTemplate, UnreadableText


def found(table: Table[str], path: str, method: str = "GET") -> tuple[str, list[tuple[str, str]]] | None:
    segments, leaves = table.find(path)
    for leaf in leaves:
        if method in leaf:
            return leaf[method], Template.parse(leaf[method]).values(segments)
    return None


def table_of(*templates: str) -> Table[str]:
    table: Table[str] = Table()
    for each in templates:
        table.add(Template.parse(each), "GET", each)
    return table


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/v1/things", "/v1/things", []),
        ("/v1/things/{id}", "/v1/things/a", [("id", "a")]),
        ("/v1/things/{thing.id}/parts", "/v1/things/a/parts", [("thing.id", "a")]),
        ("/v1/things/{id}:cancel", "/v1/things/a:cancel", [("id", "a")]),
        ("/v1/things:quote", "/v1/things:quote", []),
        ("/v1/{name=things/*}", "/v1/things/a", [("name", "things/a")]),
        ("/v1/{name=things/*/parts/*}:join", "/v1/things/a/parts/b:join", [("name", "things/a/parts/b")]),
        ("/v1/{name=**}", "/v1/a/b/c", [("name", "a/b/c")]),
        ("/v1/{name=**}:watch", "/v1/a/b:watch", [("name", "a/b")]),
        ("/v1/{name=files/**}", "/v1/files/a%2Fb/%C3%BC", [("name", "files/a%2Fb/ü")]),
        ("/v1/*/parts/{id}", "/v1/anything/parts/b", [("id", "b")]),
        ("/v1/{a}/{b}", "/v1/x%20y/a%2Fb", [("a", "x y"), ("b", "a/b")]),
    ],
)
def test_a_template_finds_its_paths_and_their_values(template: str, path: str, values: list[tuple[str, str]]) -> None:
    assert found(table_of(template), path) == (template, values)


@pytest.mark.parametrize("path", ["/v1/things", "/v1/things/", "/v1/things/a/b", "/v2/things/a", "/v1//things/a", "/"])
def test_other_paths_are_not_found(path: str) -> None:
    assert found(table_of("/v1/things/{id}"), path) is None


def test_literals_win_over_one_star_and_that_over_two() -> None:
    table = table_of("/v1/{name=**}", "/v1/things/{id}", "/v1/things/special")

    best = [found(table, path) for path in ("/v1/things/special", "/v1/things/a", "/v1/a")]

    assert [each and each[0] for each in best] == ["/v1/things/special", "/v1/things/{id}", "/v1/{name=**}"]


def test_a_colon_begins_a_verb_only_if_there_is_such_a_verb() -> None:
    table = table_of("/v1/things/{id}", "/v1/things/{id}:cancel")

    assert found(table, "/v1/things/a:b") == ("/v1/things/{id}", [("id", "a:b")])
    assert found(table, "/v1/things/a:b:cancel") == ("/v1/things/{id}:cancel", [("id", "a:b")])
    assert found(table, "/v1/things/a%3Acancel") == ("/v1/things/{id}", [("id", "a:cancel")])


def test_a_path_with_two_methods_tells_both() -> None:
    table: Table[str] = Table()
    template = Template.parse("/v1/things")
    table.add(template, "GET", "list")
    table.add(template, "POST", "create")

    assert table.find("/v1/things")[1] == [{"GET": "list", "POST": "create"}]
    with pytest.raises(ValueError, match="registered already"):
        table.add(Template.parse("/v1/things"), "GET", "again")


@pytest.mark.parametrize(
    "text", ["", "v1", "/v1/{", "/v1/{}", "/v1/{a=}", "/v1/**/more", "/v1/a:", "/v1/a:b/c", "/v1//a", "/v1/{a{b}}"]
)
def test_a_template_against_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTemplate):
        Template.parse(text)


@pytest.mark.parametrize("segment", ["%", "%4", "%zz", "%ff", "%ed%a0%80"])
def test_broken_percent_encoding_is_refused(segment: str) -> None:
    with pytest.raises(UnreadableText):
        found(table_of("/v1/{id}"), f"/v1/{segment}")
