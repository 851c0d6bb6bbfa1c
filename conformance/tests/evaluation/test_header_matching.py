"""`evaluation.header_matching`: whether a header value satisfies a matcher."""

from __future__ import annotations

import base64
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_conformance.evaluation import header_matching
from tus_scenarios import HeaderFormat, HeaderMatcher

REQUEST = "http://tus.test:1080/files/"

FORMS: list[tuple[HeaderFormat, str, bool, str]] = [
    ("integer", "0", True, "zero is a number"),
    ("integer", "9223372036854775808", True, "a number may be larger than 64 bits"),
    ("integer", "007", True, "the grammar of a number does not forbid zeros before it"),
    ("integer", "", False, "no text is no number"),
    ("integer", "-1", False, "a number has no sign"),
    ("integer", "+1", False, "not even a plus"),
    ("integer", "1.0", False, "a fraction is no integer"),
    ("integer", "5, 5", False, "two lines with the same number are a list, not a number"),
    ("integer", "٣", False, "digits are those of ASCII"),
    ("integer", "1\n", False, "a line break at the end is not overlooked"),
    ("versions", "1.0.0", True, "one version is a list of one"),
    ("versions", "1.0.0,0.2.2,0.2.1", True, "versions are told apart by commas"),
    ("versions", "1.0.0, 0.2.2", True, "space around a comma means nothing"),
    ("versions", "2.0.0-rc.1", True, "a version may have a suffix"),
    ("versions", "1.0", False, "a version has three numbers"),
    ("versions", "1.0.0,", False, "a list has no empty member"),
    ("versions", "1.0.0,1.0.0", False, "no version is listed twice"),
    ("versions", "", False, "an empty list is no list"),
    ("versions", "tus-1.0.0", False, "a version begins with a number"),
    ("extensions", "creation", True, "one name is a list of one"),
    ("extensions", "creation,creation-defer-length,x-my_own.2", True, "unknown names are names"),
    ("extensions", "X-Encryption,ZSTD", True, "in whatever letter case"),
    ("extensions", "creation; expiration", False, "names are told apart by commas alone"),
    ("extensions", "creation,\x0bexpiration", False, "space around a comma is blanks and tabs"),
    ("extensions", "creation,,expiration", False, "a list has no empty member"),
    ("extensions", "creation expiration", False, "a name has no space"),
    ("extensions", "creation,creation", False, "no name is listed twice"),
    ("algorithms", "sha1,md5,crc32", True, "algorithms are told apart by commas"),
    ("algorithms", "sha-256", True, "an algorithm may have a hyphen"),
    ("algorithms", "SHA1", False, "algorithms have no upper case"),
    ("algorithms", "sha 1", False, "algorithms have no space"),
    ("algorithms", "sha1,é", False, "algorithms are ASCII"),
    ("list", "sha1, x y", True, "a list is made of whatever there is"),
    ("list", "sha1", True, "one member is a list"),
    ("list", "", False, "no member is no list"),
    ("list", "sha1,,md5", False, "no member is empty"),
    ("list", "sha1,sha1", False, "and none is there twice"),
    ("compact-list", "a,b,c", True, "a compact list has nothing around its commas"),
    ("compact-list", "a, b", False, "a space after the comma is one too many"),
    ("compact-list", "a ,b", False, "and so is one before it"),
    ("metadata", "filename aGVsbG8=", True, "a key and a Base64 value are a pair"),
    ("metadata", "filename aGVsbG8=,flag", True, "a key may stand alone"),
    ("metadata", "filename aGVsbG8=, flag", True, "space after the comma is tolerated"),
    ("metadata", "flag ", True, "a key may be followed by a space alone"),
    ("metadata", "", False, "no pair is no metadata"),
    ("metadata", "a YQ==,", False, "a trailing comma opens a pair without a key"),
    ("metadata", "a YQ", False, "Base64 has its padding"),
    ("metadata", "a _-_-", False, "the alphabet is not the one for URLs"),
    ("metadata", "a YQ==,a Yg==", False, "no key stands twice"),
    ("metadata", "a YQ== Yg==", False, "a pair has two words"),
    ("metadata-pairs", "a YQ==,b", True, "members have one word or two"),
    ("metadata-pairs", "a YQ== b", False, "three words are no pair"),
    ("metadata-pairs", "a YQ==,,b Yg==", False, "an empty member is no pair"),
    ("metadata-keys", "a YQ==,b", True, "each member begins with a key"),
    ("metadata-keys", "a YQ==,,b", False, "an empty member has no key"),
    ("metadata-ascii", "é !!", False, "a key beyond ASCII is seen whatever its value"),
    ("metadata-ascii", "a é", True, "only the key is looked at"),
    ("metadata-base64", "a YQ==,b", True, "no value is good Base64"),
    ("metadata-base64", "a YQ", False, "a value without its padding is not"),
    ("metadata-base64", "a Y*Q==", False, "nor is one with other characters in it"),
    ("metadata-unique", "a YQ==,A YQ==", True, "keys differ by their letter case"),
    ("metadata-unique", "a YQ==,a", False, "the same key twice is seen"),
    ("concat", "partial", True, "a partial says just that"),
    ("concat", "final;/files/a /files/b", True, "a final names its parts"),
    ("concat", "final", False, "a final without parts is none"),
    ("concat", "final;", False, "nor is one with an empty list"),
    ("concat", "Partial", False, "the words are lower case"),
    ("concat", "finally;/files/a", False, "and no others"),
    ("concat", "final;/files/a;v=1", True, "a URL may have a semicolon, too"),
    ("date", "Wed, 25 Jun 2014 16:00:00 GMT", True, "an IMF-fixdate is a date"),
    ("date", "Wed, 25 Jun 2014 16:00:00 +0000", False, "its zone is written GMT"),
    ("date", "Wed, 5 Jun 2014 16:00:00 GMT", False, "its day has two digits"),
    ("date", "wed, 25 jun 2014 16:00:00 gmt", False, "its names have a letter case"),
    ("date", "Mon, 25 Jun 2014 16:00:00 GMT", False, "the day of the week is that of the date"),
    ("date", "Wed, 25 Jun 2014 16:00:00 GMT\n", False, "nothing comes after it"),
    ("date", "2014-06-25T16:00:00Z", False, "an ISO date is not one of HTTP"),
    ("date", "", False, "nothing is no date"),
    ("obsolete-date", "Sunday, 06-Nov-94 08:49:37 GMT", True, "a date of RFC 850"),
    ("obsolete-date", "Sun Nov  6 08:49:37 1994", True, "a date of asctime"),
    ("obsolete-date", "Wed Nov 16 08:49:37 1994", True, "a date of asctime in the teens"),
    ("obsolete-date", "Sun Nov 06 08:49:37 1994", False, "asctime pads with space"),
    ("obsolete-date", "Sun, 06 Nov 1994 08:49:37 GMT", False, "today's form is not obsolete"),
    ("obsolete-date", "1994-11-06T08:49:37Z", False, "an ISO date never was one of HTTP"),
    ("url", "/files/1?a=b", True, "a path is a URL reference"),
    ("url", "../1", True, "so is a relative path"),
    ("url", "http://other/1", True, "and so is a whole URL"),
    ("url", "", False, "nothing leads nowhere"),
    ("url", "/files/a b", False, "a URL holds no space"),
    ("url", "http://[", False, "an address that never closes is no URL"),
    ("url", "http://h:port/1", False, "a port is a number"),
    ("concat", "final;http://[", False, "a part is named by a URL"),
    ("same-origin", "http://[", False, "a text that is not a URL has no origin"),
    ("same-origin", "http://tus.test:99999/", False, "nor has a port that does not exist"),
    ("same-origin", "1", True, "a relative reference stays with its origin"),
    ("same-origin", "http://tus.test:1080/x", True, "the same origin spelled out"),
    ("same-origin", "HTTP://TUS.TEST:1080/x", True, "scheme and host know no letter case"),
    ("same-origin", "//tus.test:1080/x", True, "a reference that leaves out the scheme"),
    ("same-origin", "https://tus.test:1080/x", False, "another scheme is another origin"),
    ("same-origin", "http://tus.test/x", False, "another port is another origin"),
    ("same-origin", "http://localhost:1080/x", False, "another host is another origin"),
    ("other-host", "http://localhost:1080/x", True, "another host"),
    ("other-host", "https://tus.test/x", False, "another scheme and port of the same host"),
]


@pytest.mark.parametrize(
    ("form", "value", "held"),
    [pytest.param(*case[:3], id=f"{case[0]}: {case[3]}") for case in FORMS],
)
def test_value_matches_its_grammar(form: HeaderFormat, value: str, held: bool) -> None:
    assert header_matching.matches(HeaderMatcher(form=form), value, base=REQUEST) is held


def test_every_grammar_is_tried_on_a_good_and_on_a_bad_value() -> None:
    tried = {(form, held) for form, _, held, _ in FORMS}
    assert tried == {(form, held) for form in get_args(HeaderFormat) for held in (True, False)}


QUESTIONS: list[tuple[HeaderMatcher, str, bool, str]] = [
    (HeaderMatcher(equals="1"), "1", True, "equal is equal"),
    (HeaderMatcher(equals="1"), "01", False, "equal is byte for byte"),
    (HeaderMatcher(equals=""), "", True, "an empty value can be asked for"),
    (HeaderMatcher(differs="1"), "2", True, "any other value differs"),
    (HeaderMatcher(differs="1"), "1", False, "the same does not"),
    (HeaderMatcher(differs=""), "", False, "nor does an empty value from an empty one"),
    (HeaderMatcher(includes="no-store"), "no-store", True, "a directive alone"),
    (HeaderMatcher(lists="creation"), "expiration, creation", True, "a member of a list"),
    (HeaderMatcher(lists="creation"), "Creation", False, "in its letter case"),
    (
        HeaderMatcher(includes="no-store"),
        "private ,NO-STORE",
        True,
        "among others, in other letters",
    ),
    (HeaderMatcher(includes="no-store"), "no-storey", False, "not as the beginning of another"),
    (HeaderMatcher(includes="no-store"), "x=no-store", False, "nor as the end of another"),
    (HeaderMatcher(among="a,b"), "b , a", True, "nothing but these"),
    (HeaderMatcher(among="a,b"), "a,c", False, "not one more"),
    (HeaderMatcher(among="a,b"), "A", False, "letter for letter"),
    (HeaderMatcher(members="a b,c d"), "c d , a b", True, "all of these, in any order"),
    (HeaderMatcher(members="a,b"), "b,a,a", False, "none of them twice"),
    (HeaderMatcher(members="a,b"), "b", False, "none left out"),
    (HeaderMatcher(members="a,b"), "b,A", False, "letter for letter"),
    (HeaderMatcher(includes="1.0.0"), "11.0.0,1.0.01", False, "a version is a whole member"),
    (HeaderMatcher(excludes="public"), "no-store", True, "what is not there is excluded"),
    (HeaderMatcher(excludes="public"), "no-store,Public", False, "what is there is not"),
    (HeaderMatcher(metadata="a YQ==,b Yg=="), "b Yg==,a YQ==", True, "pairs have no order"),
    (HeaderMatcher(metadata="a YQ==,b"), "a YQ==, b ", True, "space means nothing to pairs"),
    (HeaderMatcher(metadata="a YQ=="), "a YQ==,b Yg==", False, "a pair more is another thing"),
    (HeaderMatcher(metadata="a YQ=="), "A YQ==", False, "keys have a letter case"),
    (HeaderMatcher(metadata="a YQ=="), "a Yg==", False, "the value counts"),
    (HeaderMatcher(metadata=",,"), ",,", False, "two values that are no metadata are not alike"),
    (
        HeaderMatcher(concat="final;/files/1"),
        "final;http://tus.test:1080/files/1",
        True,
        "URLs resolve",
    ),
    (HeaderMatcher(concat="final;1 2"), "final;1  2", True, "space between URLs means nothing"),
    (HeaderMatcher(concat="final;1 2"), "final;2 1", False, "the order of the parts counts"),
    (HeaderMatcher(concat="partial"), "final;1", False, "the form counts"),
    (HeaderMatcher(concat="nonsense"), "nonsense", False, "two values of no form are not alike"),
    (HeaderMatcher(least=5), "5", True, "at least that much is enough"),
    (HeaderMatcher(least=5), "4", False, "less is too little"),
    (HeaderMatcher(most=5), "5", True, "at most that much is right"),
    (HeaderMatcher(most=5), "6", False, "more is too much"),
    (
        HeaderMatcher(least="9", most="11"),
        "10",
        True,
        "bounds may be texts, and numbers are not texts",
    ),
    (HeaderMatcher(least=0), "abc", False, "what is no number is within no bounds"),
    (HeaderMatcher(least=0), "-1", False, "nor is what has a sign"),
    (HeaderMatcher(form="integer", most=5), "6", False, "all questions must be answered with yes"),
    (HeaderMatcher(), "anything", True, "no question is answered by anything"),
]


@pytest.mark.parametrize(
    ("matcher", "value", "held"), [pytest.param(*case[:3], id=case[3]) for case in QUESTIONS]
)
def test_a_matcher_asks_a_value(matcher: HeaderMatcher, value: str, held: bool) -> None:
    assert header_matching.matches(matcher, value, base=REQUEST) is held


@given(st.integers(min_value=0))
def test_every_number_that_is_not_negative_is_an_integer_in_its_own_bounds(number: int) -> None:
    exactly = HeaderMatcher(form="integer", least=number, most=str(number))
    assert header_matching.matches(exactly, str(number), base=REQUEST)
    assert not header_matching.matches(HeaderMatcher(most=number), str(number + 1), base=REQUEST)


KEY_CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",")
KEYS = st.text(KEY_CHARACTERS, min_size=1)


@given(st.dictionaries(KEYS, st.binary(), min_size=1))
def test_metadata_matches_itself_in_any_order(pairs: dict[str, bytes]) -> None:
    written = [f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items()]
    asked = HeaderMatcher(metadata=",".join(written))
    assert header_matching.matches(asked, ", ".join(reversed(written)), base=REQUEST)


@given(st.text())
def test_no_value_breaks_a_grammar(value: str) -> None:
    for form in get_args(HeaderFormat):
        assert header_matching.matches(HeaderMatcher(form=form), value, base=REQUEST) in {
            True,
            False,
        }
