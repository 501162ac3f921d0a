"""Words of the demo data: places, people, companies. Companies and brands are invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A city: its region, position (degrees), dialling code and the first digits of its postal codes."""

    city: str
    region: str
    latitude: str
    longitude: str
    dialling_code: str
    postal_prefix: str


PLACES = (
    Place("Toshkent", "Toshkent shahri", "41.311081", "69.240562", "71", "100"),
    Place("Chirchiq", "Toshkent viloyati", "41.468900", "69.582200", "70", "111"),
    Place("Olmaliq", "Toshkent viloyati", "40.844700", "69.598300", "70", "110"),
    Place("Angren", "Toshkent viloyati", "41.016700", "70.143600", "70", "110"),
    Place("Yangiyoʻl", "Toshkent viloyati", "41.112200", "69.047200", "70", "112"),
    Place("Samarqand", "Samarqand viloyati", "39.654200", "66.959700", "66", "140"),
    Place("Kattaqoʻrgʻon", "Samarqand viloyati", "39.900000", "66.256100", "66", "140"),
    Place("Buxoro", "Buxoro viloyati", "39.774700", "64.428600", "65", "200"),
    Place("Fargʻona", "Fargʻona viloyati", "40.386400", "71.786400", "73", "150"),
    Place("Qoʻqon", "Fargʻona viloyati", "40.528600", "70.942500", "73", "150"),
    Place("Margʻilon", "Fargʻona viloyati", "40.471100", "71.724700", "73", "151"),
    Place("Andijon", "Andijon viloyati", "40.782100", "72.344200", "74", "170"),
    Place("Namangan", "Namangan viloyati", "40.998300", "71.672600", "69", "160"),
    Place("Navoiy", "Navoiy viloyati", "40.084400", "65.379200", "79", "210"),
    Place("Zarafshon", "Navoiy viloyati", "41.572200", "64.204700", "79", "210"),
    Place("Qarshi", "Qashqadaryo viloyati", "38.860600", "65.789100", "75", "180"),
    Place("Shahrisabz", "Qashqadaryo viloyati", "39.057800", "66.834200", "75", "181"),
    Place("Termiz", "Surxondaryo viloyati", "37.224200", "67.278300", "76", "190"),
    Place("Denov", "Surxondaryo viloyati", "38.267500", "67.898900", "76", "190"),
    Place("Guliston", "Sirdaryo viloyati", "40.489700", "68.784200", "67", "120"),
    Place("Jizzax", "Jizzax viloyati", "40.115800", "67.842200", "72", "130"),
    Place("Urganch", "Xorazm viloyati", "41.550000", "60.633300", "62", "220"),
    Place("Xiva", "Xorazm viloyati", "41.378300", "60.363900", "62", "220"),
    Place("Nukus", "Qoraqalpogʻiston Respublikasi", "42.453100", "59.610300", "61", "230"),
)

# The codes of the mobile operators of Uzbekistan, after +998.
MOBILE_CODES = ("20", "33", "50", "77", "88", "90", "91", "93", "94", "95", "97", "98", "99")

STREETS = (
    "Amir Temur",
    "Mustaqillik",
    "Bunyodkor",
    "Navoiy",
    "Bobur",
    "Furqat",
    "Doʻstlik",
    "Nurafshon",
    "Mirzo Ulugʻbek",
    "Ibn Sino",
    "Beruniy",
    "Yangi hayot",
    "Tinchlik",
    "Bogʻishamol",
    "Istiqlol",
    "Oʻzbekiston ovozi",
    "Paxtakor",
    "Hamza",
    "Sharof Rashidov",
    "Zulfiya",
)

# Latin and Cyrillic spellings of the same word, so that every script of the catalogue has its share.
COMPANY_FIRST = (
    ("Baraka", "Барака"),
    ("Ishonch", "Ишонч"),
    ("Omad", "Омад"),
    ("Zarafshon", "Зарафшон"),
    ("Sharq Yulduzi", "Шарқ Юлдузи"),
    ("Oltin Vodiy", "Олтин Водий"),
    ("Yangi Asr", "Янги Аср"),
    ("Bunyod", "Бунёд"),
    ("Gʻalaba", "Ғалаба"),
    ("Oʻzbegim", "Ўзбегим"),
    ("Samo", "Само"),
    ("Turon", "Турон"),
    ("Registon", "Регистон"),
    ("Chinor", "Чинор"),
    ("Lochin", "Лочин"),
    ("Humo", "Ҳумо"),
    ("Nihol", "Ниҳол"),
    ("Mehnat", "Меҳнат"),
    ("Ziyo", "Зиё"),
    ("Sadoqat", "Садоқат"),
    ("Bahor", "Баҳор"),
    ("Doʻstlik", "Дўстлик"),
    ("Ipak Yoʻli", "Ипак Йўли"),
    ("Katta Bozor", "Катта Бозор"),
    ("Marvarid", "Марварид"),
    ("Zumrad", "Зумрад"),
    ("Afrosiyob", "Афросиёб"),
    ("Chashma", "Чашма"),
    ("Shaffof", "Шаффоф"),
    ("Quyosh", "Қуёш"),
    ("Saxovat", "Саховат"),
    ("Fayz", "Файз"),
    ("Tong", "Тонг"),
    ("Istiqbol", "Истиқбол"),
)

# Uzbek Latin, Uzbek Cyrillic, Russian; and the industry that the word tells.
COMPANY_SECOND = (
    ("Qurilish", "Қурилиш", "Строй", "Qurilish"),
    ("Savdo", "Савдо", "Торг", "Savdo"),
    ("Taʼminot", "Таъминот", "Снаб", "Savdo"),
    ("Servis", "Сервис", "Сервис", "Xizmat koʻrsatish"),
    ("Oziq-ovqat", "Озиқ-овқат", "Продукт", "Oziq-ovqat"),
    ("Logistika", "Логистика", "Логистик", "Logistika"),
    ("Agro", "Агро", "Агро", "Qishloq xoʻjaligi"),
    ("Tekstil", "Текстиль", "Текстиль", "Toʻqimachilik"),
    ("Mebel", "Мебель", "Мебель", "Mebel ishlab chiqarish"),
    ("Market", "Маркет", "Маркет", "Chakana savdo"),
    ("Plast", "Пласт", "Пласт", "Ishlab chiqarish"),
    ("Invest", "Инвест", "Инвест", "Investitsiya"),
    ("Elektro", "Электро", "Электро", "Elektr jihozlari"),
    ("Non", "Нон", "Хлеб", "Oziq-ovqat"),
    ("Shisha", "Шиша", "Стекло", "Ishlab chiqarish"),
    ("Impeks", "Импекс", "Импэкс", "Import va eksport"),
)

# Legal forms in the same three languages.
LEGAL_FORMS = (("MChJ", "МЧЖ", "ООО"), ("XK", "ХК", "ЧП"), ("AJ", "АЖ", "АО"), ("QK", "ҚК", "СП ООО"))

MEN = (
    ("Anvar", "Анвар"),
    ("Rustam", "Рустам"),
    ("Jasur", "Жасур"),
    ("Oybek", "Ойбек"),
    ("Sherzod", "Шерзод"),
    ("Bahodir", "Баҳодир"),
    ("Ulugʻbek", "Улуғбек"),
    ("Dilshod", "Дилшод"),
    ("Farrux", "Фаррух"),
    ("Akmal", "Акмал"),
    ("Sardor", "Сардор"),
    ("Nodir", "Нодир"),
    ("Alisher", "Алишер"),
    ("Bekzod", "Бекзод"),
    ("Temur", "Темур"),
    ("Otabek", "Отабек"),
    ("Javohir", "Жавоҳир"),
    ("Shuhrat", "Шуҳрат"),
)
WOMEN = (
    ("Dilnoza", "Дилноза"),
    ("Gulnora", "Гулнора"),
    ("Malika", "Малика"),
    ("Nargiza", "Наргиза"),
    ("Oʻgʻiloy", "Ўғилой"),
    ("Zulfiya", "Зулфия"),
    ("Feruza", "Феруза"),
    ("Shahnoza", "Шаҳноза"),
    ("Nilufar", "Нилуфар"),
    ("Sevara", "Севара"),
    ("Kamola", "Камола"),
    ("Mohira", "Моҳира"),
    ("Barno", "Барно"),
)
# A woman's surname takes one "a" more in either script.
SURNAMES = (
    ("Karimov", "Каримов"),
    ("Rahimov", "Раҳимов"),
    ("Yoʻldoshev", "Йўлдошев"),
    ("Toʻxtayev", "Тўхтаев"),
    ("Abdullayev", "Абдуллаев"),
    ("Nazarov", "Назаров"),
    ("Qodirov", "Қодиров"),
    ("Gʻaniyev", "Ғаниев"),
    ("Ismoilov", "Исмоилов"),
    ("Saidov", "Саидов"),
    ("Ergashev", "Эргашев"),
    ("Hamidov", "Ҳамидов"),
    ("Mirzayev", "Мирзаев"),
    ("Oripov", "Орипов"),
    ("Sobirov", "Собиров"),
    ("Umarov", "Умаров"),
    ("Xolmatov", "Холматов"),
    ("Shodmonov", "Шодмонов"),
    ("Bozorov", "Бозоров"),
    ("Normatov", "Норматов"),
)

POSITIONS = ("Direktor", "Bosh buxgalter", "Taʼminot boʻlimi boshligʻi", "Menejer", "Директор", "Менеджер")
BUSINESS_TYPES = ("Ulgurji savdo", "Chakana savdo", "Ishlab chiqaruvchi", "Xizmat koʻrsatish", "Дистрибьютор")
PAYMENT_TERMS = (
    "100% oldindan toʻlov",
    "Yetkazib berilganda",
    "15 kun muddat",
    "30 kun muddat",
    "Предоплата 50%",
)
CLIENT_TAGS = ("VIP", "doimiy", "yangi", "ulgurji", "qarzdor", "опт", "розница", "dealer")
CLIENT_NOTES = (
    "Buyurtmadan oldin qoʻngʻiroq qilish kerak.",
    "Yuk mashinasi hovliga kira olmaydi, tushirish koʻchada.",
    "Доставка только до обеда.",
    "Просит счёт-фактуру в электронном виде.",
    "Ҳар ойнинг 25-санасида солиштирма далолатнома юборилсин.",
)
