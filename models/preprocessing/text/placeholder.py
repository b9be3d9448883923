"""Placeholders: what spreadsheets, databases and people write into a cell that has nothing to say."""

from __future__ import annotations

import re
import unicodedata

MAX_PLACEHOLDER = 40
"""Characters: longer texts are never placeholders."""
_FIELD = (
    "content|contenido|contenu|contenuto|dat[ao]s?|daten|dati|description|descriptif|descripcion|descrizione|"
    "beschreibung|designation|bezeichnung|donnees?|infos?|informations?|informationen|informacion|informazion[ei]|"
    "inhalt|libelle|te?xte?|testo|titel|title|titolo|titre|titulo|valeurs?|values?|valore?|wert"
)
"""What a cell may be said to lack, without accents."""
_MISSING = "|".join(
    (
        # Programs and databases, and the letters that people put for "not given".
        r"n|n ?a|n ?c|n ?d|n ?v|k ?a|o a|s o|nan|nat|none|nul|null|object object|tb[acd]|undefined|x{2,}",
        # French
        "a (?:completer|definir|preciser|renseigner|saisir|venir)|absente?|aucune?|en attente|inconnue?|indefinie?|"
        "indisponible|manquante?|neant|sans objet|vide|(?:non|pas) (?:encore )?(?:applicable|attribue|communique|"
        "connu|defini|determine|disponible|fourni|indique|precise|renseigne|saisi|specifie|trouve)e?s?",
        rf"(?:aucune?|pas de?|sans) (?:{_FIELD})(?: (?:disponible|fournie?|renseignee?)s?)?",
        # English
        "blank|empty|missing|to be (?:announced|confirmed|defined|determined)|un(?:available|known|specified|titled)|"
        "not (?:yet )?(?:applicable|assigned|available|defined|entered|found|given|known|provided|set|specified)",
        rf"(?:no|without) (?:{_FIELD})(?: (?:yet|available|entered|found|given|provided))*",
        # German
        "entfallt|entfaellt|fehlt|folgt|leer|unbekannt|undefiniert|(?:noch )?nicht (?:angegeben|anwendbar|bekannt|"
        "definiert|erfasst|festgelegt|gefunden|gepflegt|gesetzt|hinterlegt|verfugbar|verfuegbar|vorhanden|zutreffend)",
        rf"(?:keine?|ohne) (?:angaben?|{_FIELD})(?: (?:angegeben|hinterlegt|verfugbar|verfuegbar|vorhanden))?",
        # Spanish
        "desconocid[ao]|ningun[ao]?|nulo|pendiente|por (?:confirmar|definir|determinar)|vaci[ao]|sin (?:asignar|"
        "definir|especificar|rellenar)|no (?:aplica|aplicable|consta|disponibles?|procede|(?:asignad|conocid|definid|"
        "encontrad|especificad|facilitad|indicad|informad|proporcionad)[ao]s?)",
        rf"(?:no hay|ningun[ao]?|sin) (?:{_FIELD})(?: disponibles?)?",
        # Italian
        "assente|da (?:completare|confermare|definire)|indefinit[ao]|mancante|sconosciut[ao]|vuot[ao]|non (?:presente|"
        "pervenut[ao]|(?:applicabil|assegnat|compilat|conosciut|definit|disponibil|fornit|indicat|inserit|not|"
        "specificat|trovat)[aeio])",
        rf"(?:nessun[ao]?|senza) (?:{_FIELD})(?: disponibil[ei])?",
    )
)
_PLACEHOLDER = re.compile(rf"(?:(?:{_FIELD}) )?(?:{_MISSING})(?: (?:{_MISSING}))*")
_SHEET_ERROR = re.compile(
    r"\W*#\W*(?:bezug|blocked|busy|calc|connect|div/0|feld|field|getting_data|n[adv]|name|nombre|nome?|nullo|nulo|num|"
    r"ref|rif|spill|valeur|valor|valore|value|wert|zahl)\W*"
)
"""Errors of spreadsheets in five languages; without the "#" some of them are words."""
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_ACCENT = re.compile("[\u0300-\u036f]")


def is_placeholder(text: str) -> bool:
    r"""Whether readable text says only that there is none: "N/A", "#REF!", "\N", "--", "0", "non renseigné", "k. A.".

    Case, accents and punctuation do not matter. Punctuation or noughts alone are a placeholder too; emoji are text.
    """
    if not text or len(text) > MAX_PLACEHOLDER:
        return False
    folded = text.casefold()
    if not folded.isascii():
        folded = _ACCENT.sub("", unicodedata.normalize("NFKD", folded))
    words = _BETWEEN_WORDS.sub(" ", folded).strip()
    if not words.strip("0 "):
        categories = set(map(unicodedata.category, text))
        return "So" not in categories and all(category[0] in "PSZN" for category in categories)
    return bool(_PLACEHOLDER.fullmatch(words) or _SHEET_ERROR.fullmatch(folded))
