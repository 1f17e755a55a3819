# ruff: noqa: RUF001 - characters that look alike are what this is about
"""Names of currencies, measures and large numbers in the languages that answers come in. Adding one is adding a word.

A unit has one canonical name, so that answers of several languages meet in one vote: 5 Stunden, 5 heures and 5時間 are all
``("5", "hour")``. No word may stand for two units; where one would (zh 分: minute, point or cent), it is left out.
"""

from __future__ import annotations

import re
import unicodedata

NAMES = {
    "$": r"""$ \$ us$ us\$ usd us dollar buck dólar dólare dolar доллар доллара доллары долларов доллару долларам dola ডলার ডলারের
        డాలర్ డాలరు డాలర్లు డాలర్ల ดอลลาร์ ดอลล่าร์ ดอลลาร์สหรัฐ 美元 美金 ドル 米ドル""",
    "€": "€ euro eur euros евро yuro ইউরো యూరో యూరోలు ยูโร 欧元 歐元 ユーロ",
    "£": "£ gbp 英镑 英鎊",
    "¥": "¥ yen jpy 円 日元 йен йена иен иена เยน",
    "yuan": "yuan cny rmb 元 元钱 块钱 人民币 юань юаня юаней หยวน",
    "₹": "₹ rupee inr rs rs. rupia rupie rupien roupie рупия рупии рупий রুপি రూపాయి రూపాయలు రూపాయల రూపాయిలు రూ రూ. รูปี 卢比 ルピー",
    "৳": "৳ taka bdt tk tk. টাকা টাকায় টাকার",
    "฿": "฿ baht thb บาท 泰铢 バーツ бат батов",
    "₽": "₽ rub rubel rublo rouble ruble рубль рубля рублей рублях руб руб. р. р 卢布 ルーブル",
    "CHF": "chf franken franc franco франк франка франков faranga 瑞士法郎",
    "shilling": "shilling shilingi sh sh. tsh tzs ksh kes schilling chelín chelines",
    "cent": "cent ¢ c centavo centime céntimo цент цента центов senti সেন্ট సెంట్లు సెంట్ల เซนต์ เซ็นต์ 美分 セント",
    "%": """% percent pct prozent  процент процента процентов процентах asilimia শতাংশ শতকরা শాతం శాతం
        เปอร์เซ็นต์ เปอร์เซนต์ ร้อยละ パーセント""",
    "degree": "degree deg ° grad grado degré градус градуса градусов digrii ডিগ্রি డిగ్రీలు డిగ్రీల องศา 度",
    "°C": "°c celsius 摄氏度",
    "°F": "°f fahrenheit 华氏度",
    "mm": "mm millimeter millimetre milímetro millimètre мм миллиметр миллиметра миллиметров মিলিমিটার มิลลิเมตร 毫米 ミリメートル",
    "cm": """cm centimeter centimetre zentimeter centímetro centimètre см сантиметр сантиметра сантиметров sentimita সেমি
        সেন্টিমিটার సెంటీమీటర్లు సెం.మీ เซนติเมตร ซม 厘米 公分 センチ センチメートル""",
    "m": "m meter metre metern metro mètre м метр метра метров mita মিটার మీటర్లు మీటర్ల เมตร 米 メートル",
    "km": """km kilometer kilometre kilometern kilómetro kilometro kilomètre км километр километра километров kilomita
        কিমি কিলোমিটার కిలోమీటర్లు కిలోమీటర్ల กิโลเมตร กม 千米 公里 キロメートル キロ""",
    "inch": "inch inches in zoll pulgada pouce дюйм дюйма дюймов inchi ইঞ্চি అంగుళాలు అంగుళాల นิ้ว 英寸 インチ",
    "foot": "foot feet ft fuß pied фут фута футов futi ফুট అడుగులు అడుగుల ฟุต 英尺 フィート",
    "yard": "yard yd yarda ярд ярда ярдов yadi গজ గజాలు గజాల หลา 码 ヤード",
    "mile": "mile mi meile meilen milla миля мили миль maili মাইল మైళ్లు మైళ్ళు మైళ్ల మైళ్ళ ไมล์ 英里 マイル",
    "mg": "mg milligram milligramm miligramo milligramme мг миллиграмм миллиграммов 毫克 ミリグラム",
    "g": "g gram gramm gramo gramme г грамм грамма граммов gramu গ্রাম గ్రాములు గ్రాముల กรัม 克 グラム",
    "kg": """kg kilogram kilogramm kilo kilogramo kilogramme кг килограмм килограмма килограммов kilogramu কেজি কিলোগ্রাম
        కిలోలు కిలోల కేజీ కిలోగ్రాములు กิโลกรัม กก กิโล 千克 公斤 キログラム""",
    "ounce": "ounce oz unze unzen onza унция унции унций aunsi আউন্স ఔన్సులు ఔన్సుల ออนซ์ 盎司 オンス",
    "pound": "pound lb lbs pfund libra фунт фунта фунтов pauni পাউন্ড పౌండ్లు పౌండ్ల ปอนด์ 磅 ポンド",
    "ton": "ton tonne tonnen tonelada тонна тонны тонн tani টন టన్నులు టన్నుల ตัน 吨 トン",
    "ml": "ml milliliter millilitre mililitro мл миллилитр миллилитра миллилитров mililita মিলিলিটার มิลลิลิตร 毫升 ミリリットル",
    "l": "l liter litre litern litro л литр литра литров lita লিটার లీటర్లు లీటర్ల ลิตร 升 公升 リットル",
    "gallon": "gallon gal gallone gallonen galón galones галлон галлона галлонов galoni গ্যালন గ్యాలన్లు గ్యాలన్ల แกลลอน 加仑 ガロン",
    "second": """second sec s sekunde sekunden segundo seconde сек секунда секунды секунд sekunde সেকেন্ড సెకన్లు సెకన్ల วินาที 秒 秒钟
        秒間""",
    "minute": """minute min minuten minuto мин минута минуты минут минуту dakika মিনিট నిమిషాలు నిమిషాల నిమిషం  นาที 分钟 分鐘 分間""",
    "hour": """hour hr h stunde stunden std hora heure ч час часа часов saa masaa ঘণ্টা ঘন্টা ঘণ্টায় ঘন্টায় గంట గంటలు గంటల ชั่วโมง 小时 小時
        个小时 個小時 時間 钟头""",
    "day": """day tag tage tagen día dia jour день дня дней дню siku দিন দিনে దినాలు రోజు రోజులు రోజుల วัน 天 日 日間""",
    "week": """week woche wochen semana semaine неделя недели недель неделю wiki সপ্তাহ সপ্তাহে వారం వారాలు వారాల สัปดาห์ อาทิตย์ 周 星期
        个星期 週間 週""",
    "month": """month monat monate monaten mes meses mois месяц месяца месяцев mwezi miezi মাস মাসে నెల నెలలు నెలల เดือน
        个月 個月 か月 ヶ月 カ月 ヵ月""",
    "year": """year yr jahr jahre jahren año ans année год года лет году mwaka miaka বছর বছরের సంవత్సరం సంవత్సరాలు సంవత్సరాల ఏళ్లు ఏళ్ళు
        ปี 年 年間 岁 歳 歲""",
    "mile/hour": "mph",
    "km/hour": "kph kmh",
    "dozen": "dozen dutzend docena docenas douzaine дюжина дюжины дюжин dazeni ডজন డజను డజన్లు โหล 打 ダース",
}  # fmt: skip

_SCALES = {
    "en": "hundred=2 thousand=3 million=6 billion=9 trillion=12 lakh=5 lac=5 crore=7",
    "bn": "শত=2 হাজার=3 লাখ=5 লক্ষ=5 কোটি=7",
    "de": "hundert=2 tausend=3 million=6 millionen=6 mio=6 milliarde=9 milliarden=9 billion=12 billionen=12",
    "es": "mil=3 millón=6 millon=6 millones=6 billón=12 billones=12",
    "fr": "cents=2 mille=3 million=6 millions=6 milliard=9 milliards=9 billion=12 billions=12",
    "ru": "тысяча=3 тысячи=3 тысяч=3 тыс=3 миллион=6 миллиона=6 миллионов=6 млн=6 миллиард=9 миллиарда=9 миллиардов=9 млрд=9",
    "te": "వందలు=2 వేలు=3 వేల=3 లక్షలు=5 లక్షల=5 కోట్లు=7 కోట్ల=7",
    "th": "ร้อย=2 พัน=3 หมื่น=4 แสน=5 ล้าน=6",
}
_BEFORE = """usd eur gbp inr cny rmb jpy rub thb bdt tzs kes tsh ksh chf rs. rs tk. tk రూ. రూ shilingi sh. dola senti asilimia
    ร้อยละ শতকরা masaa saa dakika siku wiki miezi mwezi miaka mwaka kilomita mita kilo gramu lita maili"""
_BREAKS_NOWHERE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_LONGEST = 12


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


ALIASES = {_folded(alias): unit for unit, aliases in NAMES.items() for alias in aliases.split()}
"""The canonical unit of every name, folded and casefolded."""

UNITS = frozenset(NAMES)

_TENS = {
    code: {_folded(word): int(tens) for word, _, tens in (pair.partition("=") for pair in row.split())}
    for code, row in _SCALES.items()
}

BEFORE = "|".join(re.escape(word) for word in sorted(map(_folded, _BEFORE.split()), key=len, reverse=True))
"""Names that may stand before a number, Swahili ones above all, as an alternation."""


def runs_on(word: str) -> bool:
    """Whether ``word`` is of a script without blanks, so that nobody can tell where it ends."""
    return bool(_BREAKS_NOWHERE.match(word))


def unit_in(word: str) -> str | None:
    """The canonical unit of a word; where words run on (5時間です), of its longest beginning."""
    word = word.casefold()
    if not runs_on(word):
        return ALIASES.get(word) or ALIASES.get(word.rstrip(".")) or ALIASES.get(singular(word))
    return next((ALIASES[word[:end]] for end in range(min(len(word), _LONGEST), 0, -1) if word[:end] in ALIASES), None)


def scale_of(word: str, language: str) -> int | None:
    """The number that a word such as "million" stands for in a primary ``language``, else in English."""
    word = word.casefold().rstrip(".")
    tens = _TENS.get(language, {}).get(word) or _TENS["en"].get(word)
    return 10**tens if tens else None


def singular(word: str) -> str:
    """A conservative singular: only endings that are hardly ever anything else."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")) else word
