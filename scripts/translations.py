"""The catalogues: find every sentence, fill in simplified Chinese by hand, make traditional Chinese by characters.

python scripts/translations.py update   new sentences into zh_Hans (empty), unused ones out, zh_Hant made anew
python scripts/translations.py fill FILE.json   write {"msgid": "译文", …} into zh_Hans, then update
python scripts/translations.py check    exit 1 with words when anything is missing, fuzzy, unused or ill-formed
"""

import json
import re
import sys
from pathlib import Path

import opencc
import polib
from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "translations"
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "no_op": None,
    "ngettext": (1, 2),
    "phrase": None,
}
METHODS = [("portal/**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
HEADER = {
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
Sentence = tuple[str, str | None]


def sentences() -> dict[Sentence, set[str]]:
    """Every sentence in code and templates, as (singular, plural or None), with the files that say it."""
    found: dict[Sentence, set[str]] = {}
    for folder in ("portal", "templates"):
        methods = [
            (pattern.split("/", 1)[1], kind) for pattern, kind in METHODS if pattern.startswith(folder)
        ]
        options = {
            pattern.split("/", 1)[1]: value
            for pattern, value in OPTIONS.items()
            if pattern.startswith(folder)
        }
        for file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, methods, options, keywords=KEYWORDS, strip_comment_tags=True
        ):
            if isinstance(message, tuple):
                sentence: Sentence = (message[0], message[1])
            else:
                sentence = (message, None)
            if sentence[0]:
                found.setdefault(sentence, set()).add(f"{folder}/{file}")
    return found


def path_of(locale: str) -> Path:
    return FOLDER / locale / "LC_MESSAGES" / "messages.po"


def read(locale: str) -> polib.POFile:
    """The catalogue of a locale, empty if there is none yet."""
    path = path_of(locale)
    if path.exists():
        return polib.pofile(str(path), wrapwidth=0)
    return polib.POFile(wrapwidth=0)


def write(locale: str, catalogue: polib.POFile) -> None:
    """Write a catalogue sorted by sentence and without line numbers, so that changes stay small."""
    catalogue.metadata = {"Language": locale, **HEADER}
    catalogue.header = ""
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgid_plural))
    path_of(locale).parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path_of(locale)))


def translated(entry: polib.POEntry) -> str:
    return entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr


def make(sentence: Sentence, text: str) -> polib.POEntry:
    singular, plural = sentence
    flags = ["python-format"] if PLACEHOLDER.search(singular) else []
    if plural is None:
        return polib.POEntry(msgid=singular, msgstr=text, flags=flags)
    return polib.POEntry(msgid=singular, msgid_plural=plural, msgstr_plural={0: text}, flags=flags)


def corrections() -> list[tuple[str, str]]:
    """Pairs (wrong, right) applied after the conversion of characters."""
    lines = (FOLDER / "corrections.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" → ", 1) for line in lines if " → " in line and not line.startswith("#")]
    return [(wrong.strip(), right.strip()) for wrong, right in pairs]


CONVERTER = opencc.OpenCC("s2t")


def to_traditional(text: str) -> str:
    """Traditional characters for simplified ones; words, placeholders and tags stay."""
    convert = CONVERTER.convert
    parts = re.split(r"(%\(\w+\)[sd]|\{\w+\}|<[^>]*>)", text)
    result = "".join(part if index % 2 else convert(part) for index, part in enumerate(parts))
    for wrong, right in corrections():
        result = result.replace(wrong, right)
    return result


def update(filled: dict[str, str] | None = None) -> None:
    """Bring both catalogues up to date with the code."""
    old = {
        (entry.msgid, entry.msgid_plural or None): entry for entry in read("zh_Hans") if not entry.obsolete
    }
    by_singular = {singular: translated(entry) for (singular, _plural), entry in old.items()}
    simplified, traditional = polib.POFile(wrapwidth=0), polib.POFile(wrapwidth=0)
    for sentence in sentences():
        text = (filled or {}).get(sentence[0], by_singular.get(sentence[0], ""))
        simplified.append(make(sentence, text))
        traditional.append(make(sentence, to_traditional(text)))
    write("zh_Hans", simplified)
    write("zh_Hant", traditional)


def problems() -> list[str]:
    """What keeps the catalogues from being complete, in words."""
    wanted = sentences()
    found = []
    for locale in ("zh_Hans", "zh_Hant"):
        have = {
            (entry.msgid, entry.msgid_plural or None): entry for entry in read(locale) if not entry.obsolete
        }
        for sentence in sorted(wanted, key=str):
            entry = have.get(sentence)
            if entry is None or not translated(entry):
                found.append(f"{locale}: missing: {sentence[0]!r} ({', '.join(sorted(wanted[sentence]))})")
            elif entry.fuzzy:
                found.append(f"{locale}: fuzzy: {sentence[0]!r}")
            else:
                source = set(PLACEHOLDER.findall(sentence[0])) | set(PLACEHOLDER.findall(sentence[1] or ""))
                if not set(PLACEHOLDER.findall(translated(entry))) <= source:
                    found.append(f"{locale}: placeholders differ: {sentence[0]!r}")
                if sentence[1] is None and set(PLACEHOLDER.findall(translated(entry))) != source:
                    found.append(f"{locale}: placeholders differ: {sentence[0]!r}")
        found += [f"{locale}: unused: {sentence[0]!r}" for sentence in have if sentence not in wanted]
    simplified = {entry.msgid: translated(entry) for entry in read("zh_Hans")}
    for entry in read("zh_Hant"):
        if translated(entry) != to_traditional(simplified.get(entry.msgid, "")):
            found.append(f"zh_Hant: not the characters of zh_Hans: {entry.msgid!r} (run update)")
    return found


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update"]:
            update()
        case ["fill", file]:
            update(json.loads(Path(file).read_text(encoding="utf-8")))
        case ["check"]:
            pass
        case _:
            print(__doc__)
            return 2
    found = problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
