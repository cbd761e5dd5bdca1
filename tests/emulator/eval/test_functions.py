"""The functions of eval, by the examples of the Search Reference's pages (named per test)."""

from __future__ import annotations

import pytest

from emulator.errors import EvalError, RegexError, SearchError
from emulator.eval.expression import compile_eval
from emulator.eval.functions import function_names
from emulator.eval.values import FieldValue, Value

_NAMES = ["alex", "celestino", "claudia", "david", "ikraam", "nyah", "rutherford", "wei"]
_MAILS = ["a@example.com", "b@help.net", "c@team.org"]


def _eval(text: str, **fields: FieldValue) -> Value:
    return compile_eval(text).run(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('case(s==200,"OK",s==404,"Not found")', "Not found"),
        ('case(s==200,"OK",s==500,"Bad")', None),
        ('case(s==200,"OK",true(),"Other")', "Other"),
        ('case(none==1,"a",s==404,"b")', "b"),
        ("coalesce(none,s,t)", "404"),
        ("coalesce(none,null())", None),
        ('if(s==404,"OK","Error")', "OK"),
        ('if(none==1,"yes","no")', "no"),
        ('if(false(),"yes","no")', "no"),
        ('if(in(s,"404","500"),"e","o")', "e"),
        ('if("203.0.113.255" in(none,ip),"e","o")', "e"),
        ("nullif(s,404)", None),
        ("nullif(s,405)", "404"),
        ("nullif(s,none)", "404"),
        ("null()", None),
        ('if(like(n,"foo%"),"y","n")', "y"),
        ('if(like(n,"Foo%"),"y","n")', "n"),
        ('if(like(n,"f_o.x"),"y","n")', "n"),
        ('if(match(ip,"^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$"),1,0)', 1),
        ('if(match(n,"oob"),1,0)', 1),
        ('if(match(none,"x"),1,0)', 0),
        ("coalesce(none,5)+1", 6),
    ],
)
def test_comparison_and_conditional_functions(text: str, expected: Value) -> None:
    """ "Comparison and Conditional functions"."""
    assert _eval(text, s="404", t="x", ip="203.0.113.255", n="foobar") == expected


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("80", None),
        ("http", "ERROR: Port is not an integer"),
        ("99999", "ERROR: Port is out of range"),
    ],
)
def test_validate_gives_the_value_of_the_first_false_condition(
    port: str, expected: str | None
) -> None:
    """ "Comparison and Conditional functions", validate."""
    text = (
        'validate(isint(port), "ERROR: Port is not an integer",'
        ' port >= 1 AND port <= 65535, "ERROR: Port is out of range")'
    )

    assert _eval(text, port=port) == expected


@pytest.mark.parametrize(
    ("block", "address", "expected"),
    [
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.0/24", "192.0.2.56", True),
        (
            "2001:0db8:ffff:ffff:ffff:ffff:ffff:ff00/120",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ff99",
            True,
        ),
        ("192.0.2.0/24", "no address", False),
        ("nonsense", "192.0.2.1", False),
    ],
)
def test_cidrmatch(block: str, address: str, expected: bool) -> None:
    """ "Comparison and Conditional functions", cidrmatch."""
    assert _eval("cidrmatch(b,a)", b=block, a=address) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("typeof(12)", "Number"),
        ('typeof("string")', "String"),
        ("typeof(1==2)", "Boolean"),
        ("typeof(badfield)", "Invalid"),
        ("typeof(m)", "Multivalue"),
        ("typeof(x)", "Number"),
        ('typeof("5")', "String"),
        ("isnum(x)", True),
        ("isnum(s)", False),
        ("isstr(s)", True),
        ("isint(x)", True),
        ("isint(1.5)", False),
        ("isnull(none)", True),
        ("isnull(x)", False),
        ("isnotnull(m)", True),
        ("isbool(1==2)", True),
        ("isbool(x)", False),
    ],
)
def test_informational_functions(text: str, expected: Value) -> None:
    """ "Informational functions"."""
    assert _eval(text, x="5", s="a", m=["a", "b"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('len("buttercup")', 9),
        ('len("dé")', 2),
        ("lower(u)", "root"),
        ('urldecode("%60a%20b%60")', "`a b`"),
        ("upper(u)", "ROOT"),
        ("lower(m)", ["a", "b"]),
        ("upper(m)", ["A", "B"]),
        ('ltrim(" ZZZZabcZZ ", " Z")', "abcZZ "),
        ('rtrim(" ZZZZabcZZ ", " Z")', " ZZZZabc"),
        ('trim(" ZZZZabcZZ ", " Z")', "abc"),
        ('trim("\t a\n ")', "a\n"),
        ('ltrim("$5","$")', "5"),
        ('replace("1/14/2023", "^(\\d{1,2})/(\\d{1,2})/", "\\2/\\1/")', "14/1/2023"),
        ('replace("54.81.233.206:443:X1",":.*","")', "54.81.233.206"),
        ('replace("a\\\\b","\\\\\\\\","/")', "a/b"),
        ('substr("string",1,3)', "str"),
        ('substr("string",-3)', "ing"),
        ('substr("string",-3,2)', "in"),
        ('substr("string",4)', "ing"),
        ('substr("string",9)', ""),
        ('substr("string",-99,2)', "st"),
        ('urldecode("http%3A%2F%2Fwww.splunk.com%2Fdownload%3Fr%3Dheader")',
         "http://www.splunk.com/download?r=header"),
        ("lower(none)", None),
    ],
)  # fmt: skip
def test_text_functions(text: str, expected: Value) -> None:
    """ "Text functions"."""
    assert _eval(text, u="Root", m=["A", "b"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('tonumber("0A4",16)', 164),
        ('tonumber("0101",2)', 5),
        ("tonumber(trim(t))", 3.5),
        ("tonumber(t)", None),
        ("tonumber(s,16)", None),
        ('tonumber("9",8)', None),
        ('tonumber("1_0",16)', None),
        ('tostring(15,"hex")', "0xF"),
        ('tostring(9,"binary")', "1001"),
        ('tostring(12345.6789,"commas")', "12,345.68"),
        ('tostring(1234567,"commas")', "1,234,567"),
        ('tostring(615,"duration")', "00:10:15"),
        ('tostring(90061,"duration")', "1+01:01:01"),
        ("tostring(1==1)", "True"),
        ("tostring(1==2)", "False"),
        ("tostring(5)", "5"),
        ('tostring(s,"hex")', "xyz"),
        ("tostring(none)", None),
    ],
)
def test_conversion_functions(text: str, expected: Value) -> None:
    """ "Conversion functions"."""
    assert _eval(text, t=" 3.5 ", s="xyz") == expected


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ('md5("abc")', "900150983cd24fb0d6963f7d28e17f72"),
        ('sha1("abc")', "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ('sha256("abc")', "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ('substr(sha512("abc"),1,16)', "ddaf35a193617aba"),
        ('md5("é")', "66ddcd97cfdeabb2f6fb8a999b4bc76f"),
    ],
)
def test_cryptographic_functions_hash_the_utf_8_bytes(text: str, digits: str) -> None:
    """ "Cryptographic functions"; the test vectors of RFC 1321 and FIPS 180."""
    assert _eval(text) == digits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abs(-5)", 5),
        ("ceiling(1.9)", 2),
        ("ceil(-1.9)", -1),
        ("floor(1.9)", 1),
        ("exact(3.25*2)", 6.5),
        ("pow(2,10)", 1024),
        ("round(3.5)", 4),
        ("round(-2.5)", -3),
        ("round(2.555,2)", 2.56),
        ("round(x,1)", 1.3),
        ("sqrt(9)", 3),
        ("sqrt(-1)", None),
        ("exp(0)", 1),
        ("ln(1)", 0),
        ("log(100)", 2),
        ("log(8,2)", 3),
        ("log(0)", None),
        ("floor(pi()*100)", 314),
        ("abs(s)", None),
        ("abs(none)", None),
    ],
)
def test_mathematical_functions(text: str, expected: Value) -> None:
    """ "Mathematical functions". Assumption 31 for halves."""
    assert _eval(text, x="1.25", s="a") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('max(1,3,6,7,"foo",x)', "foo"),
        ('min(1,3,6,7,"foo",x)', "-5"),
        ("max(m)", "10"),
        ("min(m,none)", "9"),
        ("max(none)", None),
    ],
)
def test_statistical_eval_functions(text: str, expected: Value) -> None:
    """ "Statistical eval functions": numbers are less than texts, NULL does not count."""
    assert _eval(text, x="-5", m=["10", "9"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('mvappend("localhost",ip)', ["localhost", "1.1.1.1"]),
        ('mvappend(mvappend("localhost",ip),x,none)', ["localhost", "1.1.1.1", "5"]),
        ("mvappend(ip)", "1.1.1.1"),
        ("mvappend(none)", None),
        ("mvcount(names)", 8),
        ("mvcount(ip)", 1),
        ("mvcount(none)", None),
        ('mvdedup(split("a,b,a",","))', ["a", "b"]),
        ("mvindex(names,2)", "claudia"),
        ("mvindex(names,0,3)", ["alex", "celestino", "claudia", "david"]),
        ("mvindex(names,-1)", "wei"),
        ("mvindex(names,-3)", "nyah"),
        ("mvindex(names,-3,-1)", ["nyah", "rutherford", "wei"]),
        ("mvindex(names,8)", None),
        ("mvindex(names,-9)", None),
        ("mvindex(names,-9,-1)", None),
        ("mvindex(names,3,2)", None),
        ('mvjoin(names,";")', ";".join(_NAMES)),
        ('mvjoin(ip,";")', "1.1.1.1"),
        ('mvfind(names,"^d")', 3),
        ('mvfind(names,"zzz")', None),
        ("mvrange(1,11,2)", ["1", "3", "5", "7", "9"]),
        ("mvrange(0,2)", ["0", "1"]),
        ("mvrange(0,1)", "0"),
        ("mvrange(1,1)", None),
        ('mvsort(split("10,9,70,100",","))', ["10", "100", "70", "9"]),
        ('mvfilter(match(mails, "\\.net$") OR match(mails, "\\.org$"))', _MAILS[1:]),
        ('mvfilter(mails="none")', None),
        ("mvmap(numbers, numbers*10)", ["10", "20", "30"]),
        ("mvmap(numbers, numbers*x)", ["5", "10", "15"]),
        ("mvmap(mvindex(numbers,1,2), numbers*x)", ["10", "15"]),
        ("mvmap(x, x*10)", "50"),
        ("mvmap(numbers, if(numbers>1,numbers,null()))", ["2", "3"]),
        ("mvzip(numbers,mails)", ["1,a@example.com", "2,b@help.net", "3,c@team.org"]),
        ('mvzip(mvzip(numbers,numbers,"|"),numbers,"|")', ["1|1|1", "2|2|2", "3|3|3"]),
        ('split("abcd","")', ["a", "b", "c", "d"]),
        ('split("1a2b3c4def567890","def")', ["1a2b3c4", "567890"]),
        ('split("name::value","::")', ["name", "value"]),
        ('split("one",",")', "one"),
    ],
)
def test_multivalue_eval_functions(text: str, expected: Value) -> None:
    """ "Multivalue eval functions"."""
    fields: dict[str, FieldValue] = {
        "ip": "1.1.1.1", "x": "5", "names": _NAMES, "mails": _MAILS, "numbers": ["1", "2", "3"],
    }  # fmt: skip

    assert _eval(text, **fields) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('strftime(1513717277.140812,"%Y-%m-%dT%H:%M:%S.%6N")', "2017-12-19T21:01:17.140812"),
        ('strptime("2017-12-19 21:01:17","%Y-%m-%d %H:%M:%S")', 1513717277),
        ('strptime("19 Dec","%Y-%m-%d")', None),
        ('strftime("x","%Y")', None),
        ('strftime(1e300,"%Y")', None),
    ],
)
def test_date_and_time_functions_count_in_utc(text: str, expected: Value) -> None:
    """ "Date and Time functions". Assumption 32."""
    assert _eval(text) == expected


_JSON = '{"a":{"b":[1.50,{"c":true}],"e":"x"},"n":null}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('spath(j,"a.b{0}")', "1.50"),
        ('spath(j,"a.b{1}.c")', "true"),
        ('json_extract(j,"a.b{}")', ["1.50", '{"c":true}']),
        ('json_extract(j,"a.e")', "x"),
        ('json_extract(j,"z")', None),
        ('json_extract("no json","a")', None),
        ("if(json_valid(j),1,0)", 1),
        ('if(json_valid("{"),1,0)', 0),
    ],
)
def test_json_functions(text: str, expected: Value) -> None:
    """ "JSON functions"; "Text functions", spath."""
    assert _eval(text, j=_JSON) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case(a=1)", "'case' function are invalid"),
        ("case(a=1,2,b=1)", "'case' function are invalid"),
        ("if(a=1,2)", "'if' function are invalid"),
        ('tostring(1,"octal")', "second argument is"),
        ("tostring(1,a)", "second argument is"),
        ("mvfilter(a=b)", "exactly one field"),
        ("mvmap(a.b,1)", "exactly one field"),
        ("mvmap(a,a=1)", "must not be boolean"),
        ('printf("%q",1)', "'%q' is not modelled"),
        ('printf("%d")', "'printf' function are invalid"),
        ("printf(a)", "must be a quoted string"),
    ],
)
def test_wrong_arguments_are_refused_when_the_expression_is_compiled(
    text: str, message: str
) -> None:
    with pytest.raises(EvalError, match=message):
        compile_eval(text)


@pytest.mark.parametrize("text", ['match(a,"(")', 'replace(a,"(","")'])
def test_a_bad_regex_shows_when_the_expression_is_compiled(text: str) -> None:
    with pytest.raises(RegexError, match="bad regex"):
        compile_eval(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('substr("a",0)', "counts from 1"),
        ('substr("a",1,-1)', "length"),
        ('tonumber("0x1f",16)', "cut it off first"),
        ('tonumber("1",37)', "from 2 to 36"),
        ('tostring(-1,"hex")', "negative"),
        ('tostring(1.5,"duration")', "whole seconds"),
        ('replace("a","a","\\9")', "has no group"),
        ('replace("a","(a)","\\n1\\\\x")', "only"),
        ('like("a","\\\\%")', "backslash"),
        ('spath(j,"a..b")', "malformed JSON path"),
        ('strftime(1,"%j")', "%j is not modelled"),
    ],
)
def test_what_is_not_documented_is_refused_when_it_is_used(text: str, message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        _eval(text, j="{}")

    assert type(caught.value).__module__ == "emulator.errors"


def test_function_names_do_not_depend_on_case() -> None:
    assert _eval('LOWER("A")') == "a"
    assert {"coalesce", "sha256", "mvzip"} <= function_names()


@pytest.mark.parametrize("number", [0, 255, 2**32, 2**53 - 1])
def test_whole_numbers_are_written_exactly_up_to_two_to_the_53rd(number: int) -> None:
    """Assumption 44."""
    field = str(number)

    assert compile_eval('lower(tostring(n, "hex"))').run({"n": field}) == hex(number)
    assert compile_eval('printf("%020d", n)').run({"n": field}) == f"{number:020d}"
    assert compile_eval("floor(n)").run({"n": field}) == number
    assert compile_eval("n % 97").run({"n": field}) == number % 97


@pytest.mark.parametrize("text", ["mvrange(0.5,2)", "mvrange(1,3,0)", 'mvrange("1d",3)'])
def test_other_steps_of_mvrange_are_refused(text: str) -> None:
    with pytest.raises(EvalError, match="mvrange"):
        compile_eval(text).run({})


def test_relative_time_moves_a_time() -> None:
    """ "Date and Time functions"; Assumption 50."""
    assert compile_eval('relative_time(t, "-1d@d")').run({"t": "1772409600.5"}) == 1_772_323_200
    assert compile_eval("relative_time(t, m)").run({"t": "60", "m": "+1h"}) == 3_660
    assert compile_eval('relative_time(none, "@d")').run({}) is None


def test_a_bad_modifier_of_relative_time_shows_when_the_expression_is_compiled() -> None:
    with pytest.raises(SearchError, match="Invalid relative time 'x'"):
        compile_eval('relative_time(1, "x")')
