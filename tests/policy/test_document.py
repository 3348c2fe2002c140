"""policy.toml: strict reading, line numbers, did-you-mean, one normal form."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.errors import ConfigError
from stockade.policy.bound import Bound, plain, scaled
from stockade.policy.document import read
from stockade.policy.policy import Policy
from stockade.types.toml_lines import line_of

TEXT = """\
format = 1

[thresholds]
auc = [">= 0.80", "> baseline.auc + 0.02"]
membership.auc = "<= 0.60"
"robustness.accuracy" = ">= 0.3"

[fairness]
columns = ["sex", "disability"]
tpr_gap = "<= 0.20"
fpr_gap = "<= 0.30"

[evidence]
forbid_custom = ["audit", "assess"]
required_steps = ["audit", "assess"]
minimum_isolation = "sandbox"

[production]
approvals = 2
"""


def test_a_file_is_read():
    """Every section of the example arrives in the document."""
    document = read(TEXT)
    assert document.thresholds["auc"] == (Bound(">=", 800_000_000), Bound(">", 20_000_000, "baseline.auc"))
    assert document.thresholds["membership.auc"] == (Bound("<=", 600_000_000),)
    assert set(document.thresholds) == {"auc", "membership.auc", "robustness.accuracy"}
    assert document.columns == ("disability", "sex")
    assert document.gaps["tpr_gap"].text == "0.2"
    assert document.approvals == {"production": 2}
    assert document.allow_trial is False


def test_an_empty_file_is_strict():
    """What is not said is not permitted: isolation, built-in assessment and one approval are the default."""
    document = read("")
    assert document.minimum_isolation == "sandbox"
    assert document.approvals == {"production": 1}
    assert "assess" in document.forbid_custom
    assert "assess" in document.required_steps
    assert not document.allow_trial


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "remedy"),
    [
        ("[thresholds]", "[treshold]", 3, "unknown section 'treshold'", "did you mean 'thresholds'?"),
        ('auc = [">= 0.80", "> baseline.auc + 0.02"]', 'acu = ">= 0.8"', 4, "no figure 'acu'", "did you mean 'auc'?"),
        ("membership.auc", "membrship.auc", 5, "membrship.auc", "did you mean 'membership.auc'?"),
        ('"<= 0.60"', '"=< 0.60"', 5, "'=<' is not an operator", 'did you mean "<= 0.60"?'),
        ('"<= 0.60"', '"0.60"', 5, "has no operator", '"<= 0.60"'),
        ('"<= 0.60"', "0.60", 5, "a limit is text", '"<= 0.6"'),
        ('"<= 0.60"', '"<= 60"', 5, "outside 0 to 1", 'did you mean "<= 0.6"?'),
        ('"<= 0.60"', '"<= high"', 5, "no figure 'high'", "use one of"),
        ('"<= 0.60"', '"<= 0.1234567891"', 5, "nine decimals", '"0.123456789"'),
        ('"<= 0.60"', '["<= 0.6", "< 0.5"]', 5, "two limits", "stricter"),
        ("baseline.auc + 0.02", "baseline.auk", 4, "no figure 'baseline.auk'", "did you mean 'baseline.auc'?"),
        ('"robustness.accuracy" = ">= 0.3"', 'tpr_gp.sex = "<= 0.1"', 6, "tpr_gp.sex", "did you mean 'tpr_gap.sex'?"),
        ("tpr_gap", "tpr_gab", 10, "unknown key 'tpr_gab'", "did you mean 'tpr_gap'?"),
        ('tpr_gap = "<= 0.20"', 'tpr_gap = ">= 0.20"', 10, "from above", '"<= 0.2"'),
        ('["sex", "disability"]', '["sex", "sex"]', 9, "something twice", "once"),
        ('["sex", "disability"]', '"sex"', 9, "list of names", "columns"),
        ("forbid_custom", "forbid_costum", 14, "forbid_costum", "did you mean 'forbid_custom'?"),
        ('"sandbox"', '"sandbx"', 16, "no isolation 'sandbx'", "did you mean 'sandbox'?"),
        ("approvals = 2", "approval = 2", 19, "unknown key 'approval'", "did you mean 'approvals'?"),
        ("approvals = 2", "approvals = -1", 19, "from 0 to 16", "persons"),
        ("approvals = 2", "approvals = true", 19, "from 0 to 16", "persons"),
        ("approvals = 2", "approvals 2", 19, "not TOML", "correct"),
        ("format = 1", "format = 2", 1, "format must be 1", "version"),
        ("format = 1", "canary = 2", 1, "'canary' is a section", "[canary]"),
    ],
)
def test_a_mistake_is_named_with_its_line(old, new, line, message, remedy):
    """Each mistake is a ConfigError at its own line that says what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        read(TEXT.replace(old, new, 1), "policy/policy.toml")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.where == f"policy/policy.toml:{line}"


def test_columns_without_a_limit_are_a_mistake():
    """Naming sensitive columns and limiting nothing would look like a check and be none."""
    with pytest.raises(ConfigError, match="no gap is limited"):
        read('[fairness]\ncolumns = ["sex"]\n')


def test_order_and_white_space_do_not_change_the_policy():
    """Any order of sections, keys and list items, and any spacing, compile to the same digest."""
    sections = [part.strip().splitlines() for part in TEXT.split("\n\n")[1:]]
    expected = Policy.compile(TEXT).digest
    chance = random.Random(3)
    for order in itertools.permutations(range(4)):
        lines = ["format=1", "# a comment"]
        for index in order:
            head, *keys = sections[index]
            chance.shuffle(keys)
            lines += ["", f"  {head}", *(key.replace(" = ", "   =  ") for key in keys)]
        text = "\n".join(lines).replace('["audit", "assess"]', '["assess","audit"]').replace(">= 0.80", ">=0.8")
        assert Policy.compile(text).digest == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.80", "0.81"), ("<= 0.60", "< 0.60"), ('"sex", ', ""), ("= 2", "= 1"), ('"audit", ', ""), ("sandbox", "none")],
)
def test_every_edit_that_matters_changes_the_digest(old, new):
    """A changed limit, operator, column, count, step or level is another policy."""
    assert Policy.compile(TEXT.replace(old, new)).digest != Policy.compile(TEXT).digest


@given(st.integers(-(10**18), 10**18))
def test_billionths_are_exact(billionths):
    """Nine decimals survive the way to text and back."""
    assert scaled(Decimal(plain(billionths))) == billionths


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_scaling_a_float_never_leaves_64_bits(value):
    """A float becomes a 64-bit integer near it or nothing at all."""
    found = scaled(value)
    if found is None:
        assert not abs(value) < 9.2e9
    else:
        assert abs(found) < 2**63
        assert abs(found / 1e9 - value) <= 1e-9 + abs(value) * 1e-15


@given(st.text(alphabet='><=!~ .0123456789eE+-_abuc"', max_size=20))
def test_no_limit_text_crashes(text):
    """Whatever is written as a limit is read or is a ConfigError with a remedy."""
    quoted = text.replace('"', '\\"')
    failure = None
    try:
        read(f'[thresholds]\nauc = "{quoted}"\n')
    except ConfigError as error:
        failure = error
    assert failure is None or (failure.remedy and failure.where == "policy.toml:2")


def test_lines_of_dotted_and_quoted_keys():
    """A key is found however it is spelt, and its section where the key is not there."""
    text = '[a."b c"]\nx.y = 1\n"x.z" = 2\n[d]\n'
    assert line_of(text, "a", "b c", "x.y") == 2
    assert line_of(text, "a", "b c", "x.z") == 3
    assert line_of(text, "a", "b c", "w") == 1
    assert line_of(text, "d", "e") == 4
    assert line_of(text, "q") == 0
