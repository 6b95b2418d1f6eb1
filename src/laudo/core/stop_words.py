"""Words that say nothing about a case, in English, Portuguese and Spanish, in small letters and without accents.

Short words that are also terms or abbreviations of the field are not among them (His, LES, TE, MI, TU, IV, MS).
"""

from __future__ import annotations

ENGLISH = (
    "a an and are as at be been being but by can did do does for from had has have he her if in into is it its no nor "
    "not of off on or our over own she so such than that the their them then there these they this those through to "
    "under until up was we were what when where which while who will with within without you your"
)
PORTUGUESE = (
    "a ao aos as ate com como da das de dela dele delas deles depois do dos e ela ele elas eles em entre era essa "
    "esse esta este estava foi foram ha isso isto ja mais mas mesmo muito na nas nao nem no nos num numa o os ou para "
    "pela pelas pelo pelos por quando que quem sao se sem ser seu seus sob sobre sua suas tambem tem um uma umas uns"
)
SPANISH = (
    "a al algo como con cual cuando de del desde donde e el ella ellas ellos en entre era es esa ese esta estan este "
    "fue fueron ha han hasta hay la las le lo los mas mientras muy ni no nos o para pero por porque que quien se ser "
    "si sin sobre son su sus tambien tiene u un una unas uno unos y ya"
)
STOP_WORDS: frozenset[str] = frozenset(" ".join((ENGLISH, PORTUGUESE, SPANISH)).split())
