"""Words that say nothing by themselves, in English, Portuguese and Spanish; written without accents."""

from __future__ import annotations

_ENGLISH = (
    "a about above after again against all also am an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each few for from further had has have having "
    "he her here hers him his how i if in into is it its itself just may me might more most my no nor not now "
    "of off on once only or other our out over own same she should so some such than that the their them then "
    "there these they this those through to too under until up upon very was we were what when where which "
    "while who whom why will with within would you your"
)
_PORTUGUESE = (
    "a ao aos aquela aquelas aquele aqueles aquilo as ate cada com como da das de dela delas dele deles depois "
    "do dos durante e ela elas ele eles em entre era essa essas esse esses esta estao estas estava este estes "
    "eu foi foram ha isso isto ja lhe lhes mais mas mesmo meu minha muito na nas nem no nos nossa nosso num "
    "numa o os ou para pela pelas pelo pelos per por porque qual quando que quem se seja sem ser seu seus so "
    "sob sobre sua suas tambem tem teve ter um uma umas uns"
)
_SPANISH = (
    "a al algo algunas algunos ante antes aquel aquella asi aun bajo cada como con contra cual cuando de del "
    "desde donde dos durante e el ella ellas ellos en entre era es esa esas ese eso esos esta estaba estan "
    "estas este esto estos fue fueron ha habia han hasta hay la las le les lo los mas me mi mientras muy ni no "
    "nos nosotros o os otra otras otro otros para pero poco por porque que quien se sea segun ser si sido sin "
    "sobre son su sus tambien tan tanto te tiene tienen toda todas todo todos tras tu un una unas uno unos y ya"
)

STOP_WORDS: tuple[str, ...] = tuple(sorted({*_ENGLISH.split(), *_PORTUGUESE.split(), *_SPANISH.split()}))
"""Of all three: a collection may hold texts in more than one of them. "no", "sin", "sem" and "not" say that something is
absent, but which of the other words they belong to is lost in counting anyway."""
