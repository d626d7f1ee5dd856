"""The catalogues of the three languages: there before the first sentence, whoever asks first."""

import shutil

import pytest

from portal import i18n


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """The catalogues as a fresh checkout has them: nothing compiled yet."""
    compiled = shutil.ignore_patterns("*.mo*")
    monkeypatch.setattr(
        i18n, "FOLDER", shutil.copytree(i18n.FOLDER, tmp_path / "translations", ignore=compiled)
    )
    i18n.catalogue.cache_clear()
    yield tmp_path / "translations"
    i18n.catalogue.cache_clear()


def test_a_sentence_asked_for_before_the_app_is_made_is_in_its_language(fresh):
    with i18n.speaking("zh-Hans"):
        assert i18n.gettext("Keep the answer") == "保存这一项"


def test_a_missing_catalogue_is_never_taken_for_english(fresh):
    shutil.rmtree(fresh / "zh_Hans")
    with i18n.speaking("zh-Hans"), pytest.raises(FileNotFoundError):
        i18n.gettext("Keep the answer")
